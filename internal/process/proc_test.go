package process

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestProcThatHangsDoesNotHoldTheReader(t *testing.T) {
	h := newHost(t)
	h.process(100, "x", 50, "/bin/x", "x")
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		p := newProc(h.root, make(chan struct{}))
		p.read = func(dir string, s subject) *Image {
			<-free
			return readImage(dir, s)
		}
		stop := make(chan struct{})
		p.stop = stop
		go p.answer()
		s := subject{who: identityOf(actor(100, 50, 0))}

		began := time.Now()
		for range 10 {
			if img := p.image(s); img != nil {
				t.Errorf("got %+v, want nothing", img)
			}
		}
		check(t, "time taken", time.Since(began), lookupTimeout)

		close(free)
		synctest.Wait()
		if p.image(s) == nil {
			t.Error("nothing known after it goes on")
		}
		close(stop)
		synctest.Wait()
		if img := p.image(s); img != nil {
			t.Errorf("got %+v after the end, want nothing", img)
		}
	})
}

func TestCloseDoesNotWaitForeverForProc(t *testing.T) {
	h := newHost(t)
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		table := New(Options{Root: h.root})
		table.proc.read = func(string, subject) *Image {
			<-free
			return nil
		}
		table.Describe(actor(1, 1, 1))
		if err := table.Close(); err == nil {
			t.Error("no error")
		}
		close(free)
	})
}

func TestCloseTwice(t *testing.T) {
	table := New(Options{Root: t.TempDir()})
	for range 2 {
		if err := table.Close(); err != nil {
			t.Error(err)
		}
	}
	if p := table.Describe(actor(1, 1, 1)); p.Image != nil {
		t.Errorf("got %+v after the end, want nothing", p.Image)
	}
}
