package ctl

// Tool is replaced below.
func Tool(args []string) int { return len(args) }
