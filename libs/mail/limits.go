package mail

import (
	"fmt"
	"time"
)

// Limits bound what Parse takes on. A zero field of a hand-made Limits means zero allowed, except
// for WallClock.
type Limits struct {
	MaxBytes        int // of the raw message
	MaxHeaderBytes  int // of one header block, the message's own or that of a part
	MaxMultiparts   int // multipart declarations in the whole message
	MaxParts        int // parts in the whole message, the message itself and the multiparts included
	MaxDepth        int // of nested multiparts
	MaxDecodedBytes int // of all parts together, after transfer decoding and conversion to UTF-8

	// WallClock bounds the time to read the body; 0 means no bound, and then Parse starts no
	// goroutine. The goroutine that reads cannot be killed: after a timeout it goes on to the end
	// of its current part. The other limits protect first: they are counted while splitting, before
	// anything is decoded.
	WallClock time.Duration
}

// DefaultLimits are the limits of the service. SES stores up to 40 MB ("Amazon SES Developer Guide,
// Deliver to S3 bucket action"); no legitimate message known to us comes near the other limits.
func DefaultLimits() Limits {
	return Limits{
		MaxBytes:        40 << 20,
		MaxHeaderBytes:  256 << 10,
		MaxMultiparts:   16,
		MaxParts:        1000,
		MaxDepth:        12,
		MaxDecodedBytes: 96 << 20,
		WallClock:       20 * time.Second,
	}
}

// LimitError says which of the Limits a message breaks. Value is the first excess that was found,
// not necessarily the total.
type LimitError struct {
	Limit string // the name of the field of Limits
	Value int64  // in the unit of the field; WallClock in nanoseconds
	Max   int64
}

func (e *LimitError) Error() string {
	if e.Limit == "WallClock" {
		return fmt.Sprintf("mail: reading took more than %v", time.Duration(e.Max))
	}
	return fmt.Sprintf("mail: %s is %d, at most %d is allowed", e.Limit, e.Value, e.Max)
}

// UnreadableError says that a message could not be read at all.
type UnreadableError struct {
	Reason string
}

func (e *UnreadableError) Error() string { return "mail: unreadable: " + e.Reason }

func exceeds(limit string, value, max int) error {
	if value <= max {
		return nil
	}
	return &LimitError{Limit: limit, Value: int64(value), Max: int64(max)}
}
