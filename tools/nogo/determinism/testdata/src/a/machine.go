// Package a is in the scope.
package a

import (
	"context"
	"math/rand" // want `import of math/rand: take a chooser`
	"os"        // want `import of os: take values`
	"reflect"
	"sync" //determinism:ok what it guards depends on nothing else
	"time"
)

var lock sync.Mutex

func clocks(now time.Time) {
	_ = time.Now()      // want `time.Now: the machine's clock`
	read := time.Since  // want `time.Since: the machine's clock`
	time.Sleep(1)       // want `time.Sleep: the machine's clock`
	_ = now.After(now)  // a method of a time
	_ = time.Unix(0, 0) // makes one
	_ = read(now)
	_, cancel := context.WithTimeout(context.Background(), 1) // want `context.WithTimeout: the machine's clock`
	cancel()
}

func goroutines(c, d chan int) {
	go clocks(time.Time{}) // want `a goroutine`
	select {               // want `a select`
	case <-c:
	case <-d:
	}
}

func marked() {
	//determinism:ok it is told to people only
	_ = time.Now()

	//determinism:ok nothing is here // want `the mark marks nothing`
	_, _ = rand.Int(), os.Args
}

func reflected(v reflect.Value) {
	v.MapRange() // want `reflect's MapRange: the order of a map`
}
