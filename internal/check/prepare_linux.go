package check

// Prepare gives a Host what is not a file: the kernel's answers by netlink, and
// those of the host's systemd.
func Prepare(h *Host) {
	h.Filter, h.Audit = kernel{}, kernel{}
	if root, ok := h.fs.(*Root); ok {
		h.Systemd = systemd{root}
	}
}
