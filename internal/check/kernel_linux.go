package check

import (
	"bytes"
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// A kernel answers by netlink what is in no file.
type kernel struct{}

// Chains lists the packet filter's chains. A list that changed is read again.
func (k kernel) Chains() ([]Chain, error) {
	for try := 0; ; try++ {
		all, err := k.chains()
		if !errors.Is(err, errInterrupted) || try == 2 {
			return all, err
		}
	}
}

func (kernel) chains() ([]Chain, error) {
	dormant := map[chainName]bool{}
	err := nft(unix.NFT_MSG_GETTABLE, func(data []byte) error {
		if name, ok := dormantTable(data); ok && len(dormant) < maxChains {
			dormant[name] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []Chain
	err = nft(unix.NFT_MSG_GETCHAIN, func(data []byte) error {
		if c, ok := parseChain(data); ok && len(all) < maxChains {
			c.Dormant = dormant[chainName{Family: c.Family, Table: c.Table}]
			all = append(all, c)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	at := map[chainName]int{}
	for i, c := range all {
		at[c.chainName] = i
	}
	err = nft(unix.NFT_MSG_GETRULE, func(data []byte) error {
		if i, ok := at[ruleChain(data)]; ok {
			all[i].Rules++
		}
		return nil
	})
	return all, err
}

func nft(message uint16, each func(data []byte) error) error {
	all := []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, 0}
	kind := unix.NFNL_SUBSYS_NFTABLES<<8 | message
	return ask(unix.NETLINK_NETFILTER, kind, unix.NLM_F_DUMP, all, func(_ uint16, data []byte) error { return each(data) })
}

// dormantTable returns the family and the name of a table that is switched off.
func dormantTable(data []byte) (name chainName, ok bool) {
	if len(data) < 4 {
		return name, false
	}
	name.Family = nftFamily(data[0])
	for kind, value := range attributes(data[4:]) {
		switch kind {
		case unix.NFTA_TABLE_NAME:
			name.Table = cString(value)
		case unix.NFTA_TABLE_FLAGS:
			ok = len(value) == 4 && binary.BigEndian.Uint32(value)&unix.NFT_TABLE_F_DORMANT != 0
		}
	}
	return name, ok
}

// parseChain reads a message with the family in its first byte of four.
func parseChain(data []byte) (Chain, bool) {
	if len(data) < 4 {
		return Chain{}, false
	}
	c := Chain{chainName: chainName{Family: nftFamily(data[0])}}
	for kind, value := range attributes(data[4:]) {
		switch kind {
		case unix.NFTA_CHAIN_TABLE:
			c.Table = cString(value)
		case unix.NFTA_CHAIN_NAME:
			c.Name = cString(value)
		case unix.NFTA_CHAIN_TYPE:
			c.Type = cString(value)
		case unix.NFTA_CHAIN_POLICY:
			c.Drops = len(value) == 4 && binary.BigEndian.Uint32(value) == 0 // NF_DROP
		case unix.NFTA_CHAIN_HOOK:
			c.Hook = nftHook(data[0], value)
		}
	}
	return c, true
}

func ruleChain(data []byte) chainName {
	var n chainName
	if len(data) < 4 {
		return n
	}
	n.Family = nftFamily(data[0])
	for kind, value := range attributes(data[4:]) {
		switch kind {
		case unix.NFTA_RULE_TABLE:
			n.Table = cString(value)
		case unix.NFTA_RULE_CHAIN:
			n.Name = cString(value)
		}
	}
	return n
}

func nftFamily(n byte) string {
	switch n {
	case unix.NFPROTO_INET:
		return "inet"
	case unix.NFPROTO_IPV4:
		return "ip"
	case unix.NFPROTO_IPV6:
		return "ip6"
	case unix.NFPROTO_ARP:
		return "arp"
	case unix.NFPROTO_BRIDGE:
		return "bridge"
	case unix.NFPROTO_NETDEV:
		return "netdev"
	}
	return number(uint32(n))
}

// nftHook names where a chain is asked; the numbers mean something else for
// devices and ARP.
func nftHook(family byte, nested []byte) string {
	names := []string{"prerouting", "input", "forward", "output", "postrouting", "ingress"}
	switch family {
	case unix.NFPROTO_NETDEV:
		names = []string{"ingress", "egress"}
	case unix.NFPROTO_ARP:
		names = []string{"input", "output", "forward"}
	}
	for kind, value := range attributes(nested) {
		if kind != unix.NFTA_HOOK_HOOKNUM || len(value) != 4 {
			continue
		}
		if n := binary.BigEndian.Uint32(value); int(n) < len(names) {
			return names[n]
		}
	}
	return ""
}

func cString(b []byte) string { return string(bytes.TrimRight(b, "\x00")) }

// Audit asks for struct audit_status: mask, enabled, failure, pid and more, and
// lists the rules.
func (kernel) Audit() (AuditState, error) {
	var s AuditState
	err := ask(unix.NETLINK_AUDIT, unix.AUDIT_GET, 0, nil, func(_ uint16, data []byte) error {
		if len(data) < 16 {
			return unix.EBADMSG
		}
		s.Enabled = binary.NativeEndian.Uint32(data[4:])
		s.PID = binary.NativeEndian.Uint32(data[12:])
		return nil
	})
	if errors.Is(err, unix.EPROTONOSUPPORT) {
		return s, nil // a kernel without
	}
	if err != nil {
		return s, err
	}
	err = ask(unix.NETLINK_AUDIT, unix.AUDIT_LIST_RULES, unix.NLM_F_DUMP, nil, func(kind uint16, _ []byte) error {
		if kind == unix.AUDIT_LIST_RULES {
			s.Rules++
		}
		return nil
	})
	return s, err
}
