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
		const hostile = 200
		free := make(chan struct{})
		table := New(Options{Root: h.root})
		table.proc.read = func(dir string, s subject) *Image {
			if s.who.pid >= hostile {
				<-free
			}
			return readImage(dir, s)
		}
		began := time.Now()
		table.Describe(actor(hostile, 50, 0))
		check(t, "time taken", time.Since(began), lookupTimeout)
		if table.Describe(actor(100, 50, 1)).Image == nil {
			t.Error("another process is not known")
		}
		for i := range uint32(100) {
			table.Describe(actor(hostile+1+i, 50, 0))
		}
		check(t, "time taken by many", time.Since(began), maxStuck*lookupTimeout)

		close(free)
		synctest.Wait()
		if table.Describe(actor(100, 50, 2)).Image == nil {
			t.Error("not known after they go on")
		}
		check(t, "close", table.Close(), nil)
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
