package check

func protocolNamed(name string) protocol { return protocolAsIs() }
