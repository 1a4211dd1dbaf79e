// Package outside is out of the scope, and may do as it likes.
package outside

import "time"

func when() time.Time { return time.Now() }
