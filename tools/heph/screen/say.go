package screen

import (
	"fmt"
	"strings"
	"time"
)

// OrDash is the text, or a dash if it is empty.
func OrDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// Ago says how long before now a time is, or how long after.
func Ago(at, now time.Time) string {
	switch d := now.Sub(at); {
	case at.IsZero():
		return "-"
	case d < 0:
		return "in " + Span(-d)
	case d < time.Second:
		return "just now"
	default:
		return Span(d) + " ago"
	}
}

// Span says a duration in its largest unit or two.
func Span(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// Container shortens container-{unixMillis}-{random} to the end of its random part, which tells
// containers apart.
func Container(id string) string {
	if id == "" {
		return "-"
	}
	at := strings.LastIndexByte(id, '-')
	random := id[at+1:]
	return "…" + random[max(0, len(random)-6):]
}

// Fence shortens a fence, which is about the time in milliseconds, to the digits that differ.
func Fence(fence int64) string {
	digits := fmt.Sprint(fence)
	if len(digits) <= 7 {
		return digits
	}
	return "…" + digits[len(digits)-7:]
}
