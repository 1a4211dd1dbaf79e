package oracle

// allowed is the name of the promise that each call is one that its caller's role allows.
const allowed = "allowed"

// watchDenials has nothing to watch: who enforces the roles says what it denies.
func watchDenials(*Panel, broken) hooks { return hooks{} }

// Denied notes that a call was denied: the real handlers and workers ask for nothing else.
func (p *Panel) Denied(err error) { p.Broken(allowed, err.Error()) }
