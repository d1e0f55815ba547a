package check

// Prepare gives a Host what is not a file: the kernel's answers by netlink.
func Prepare(h *Host) { h.Filter, h.Audit = kernel{}, kernel{} }
