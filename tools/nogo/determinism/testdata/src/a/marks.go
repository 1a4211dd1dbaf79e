package a

import "time"

func unexplained() {
	/* want `a mark has to say why` */ //determinism:ok
	_ = time.Now()
}
