package receiver

import (
	"net/netip"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/process"
)

func (w *writer) connect(e *event.Event, p *process.Process) said {
	w.user(e, p)
	w.did(e, "connected to", "connect to")
	w.endpoint(e.Socket.Peer)
	w.because(e)
	w.by(e, p)
	w.ends(&e.Socket, event.Out)
	return said{"ebpfsecurity.network.connect", plog.SeverityNumberInfo}
}

func (w *writer) accept(e *event.Event, p *process.Process) said {
	w.user(e, p)
	w.did(e, "accepted a connection from", "accept a connection from")
	w.endpoint(e.Socket.Peer)
	w.body.is(" on ")
	w.endpoint(e.Socket.Local)
	w.because(e)
	w.by(e, p)
	w.ends(&e.Socket, event.In)
	return said{"ebpfsecurity.network.accept", plog.SeverityNumberInfo}
}

func (w *writer) closed(e *event.Event, p *process.Process) said {
	w.body.is("the connection")
	if e.Socket.Direction == event.In {
		w.body.is(" from ")
	} else {
		w.body.is(" to ")
	}
	w.endpoint(e.Socket.Peer)
	w.body.is(" of ")
	w.user(e, p).is(" ended")
	w.because(e)
	w.by(e, p)
	w.ends(&e.Socket, e.Socket.Direction)
	return said{"ebpfsecurity.network.close", plog.SeverityNumberDebug}
}

func (w *writer) udpSend(e *event.Event, p *process.Process) said {
	w.user(e, p)
	w.did(e, "sent a datagram to", "send a datagram to")
	w.endpoint(e.Socket.Peer)
	w.because(e)
	w.by(e, p)
	w.ends(&e.Socket, event.Out)
	return said{"ebpfsecurity.network.udp_send", plog.SeverityNumberInfo}
}

// endpoint adds an address and port to the sentence.
func (w *writer) endpoint(at netip.AddrPort) {
	if !at.Addr().IsValid() {
		w.body.is("port ").num(uint64(at.Port()))
		return
	}
	w.body = at.AppendTo(w.body)
}

// ends writes both ends of a connection; who opened it is its source.
func (w *writer) ends(s *event.SocketEvent, direction event.Direction) {
	local, peer := address(s.Local), address(s.Peer)
	w.a.str("network.transport", name(s.Protocol, event.Protocols))
	switch addr := s.Peer.Addr(); {
	case addr.Is4():
		w.a.str("network.type", "ipv4")
	case addr.Is6():
		w.a.str("network.type", "ipv6")
	}
	source, destination := s.Local, s.Peer
	sourceText, destinationText := local, peer
	if direction == event.In {
		source, destination = destination, source
		sourceText, destinationText = destinationText, sourceText
	}
	w.end("network.local.address", "network.local.port", local, s.Local.Port())
	w.end("network.peer.address", "network.peer.port", peer, s.Peer.Port())
	w.end("source.address", "source.port", sourceText, source.Port())
	w.end("destination.address", "destination.port", destinationText, destination.Port())
}

func (w *writer) end(addressKey, portKey, addr string, port uint16) {
	if addr == "" {
		return
	}
	w.a.str(addressKey, addr)
	w.a.num(portKey, int64(port))
}

func address(at netip.AddrPort) string {
	if !at.Addr().IsValid() {
		return ""
	}
	return at.Addr().String()
}
