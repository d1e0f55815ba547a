//go:build linux && (amd64 || arm64)

package sensor

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// bpfInfo is what BPF_OBJ_GET_INFO_BY_FD tells of a program: the front of struct bpf_prog_info.
type bpfInfo struct {
	Type, ID uint32
	Name     string
}

func infoOf(fd int) (bpfInfo, error) {
	var info [128]byte // struct bpf_prog_info: type, id, tag[8], 4 words, 2 pointers, load_time, uid, nr_map_ids, map_ids, name
	p := uint64(uintptr(unsafe.Pointer(&info[0])))
	_, err := bpfCall(unix.BPF_OBJ_GET_INFO_BY_FD, uint32(fd), uint32(len(info)), uint32(p), uint32(p>>32))
	runtime.KeepAlive(&info)
	word := func(at int) uint32 { return *(*uint32)(unsafe.Pointer(&info[at])) }
	return bpfInfo{word(0), word(4), string(text(info[64:80]))}, err
}

// loadNamed loads what returns 0, with a name.
func loadNamed(of uint32, name string) (int, error) {
	code := []uint64{0x00000000_0000_00b7, 0x95} // r0 = 0; exit
	license := []byte("GPL\x00")
	c, l := uint64(uintptr(unsafe.Pointer(&code[0]))), uint64(uintptr(unsafe.Pointer(&license[0])))
	attr := make([]uint32, 32)
	copy(attr, []uint32{of, 2, uint32(c), uint32(c >> 32), uint32(l), uint32(l >> 32)})
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&attr[12])), 15), name) // prog_name is at byte 48
	fd, err := bpfCall(unix.BPF_PROG_LOAD, attr...)
	runtime.KeepAlive(code)
	runtime.KeepAlive(license)
	return fd, err
}

// bpfNamed type name…: loads programs, tells what the kernel says of them.
var _ = can("bpfNamed", func(names []string) (string, error) {
	var all []bpfInfo
	for i, name := range names {
		of := []uint32{unix.BPF_PROG_TYPE_SOCKET_FILTER, unix.BPF_PROG_TYPE_KPROBE, unix.BPF_PROG_TYPE_TRACEPOINT}[i%3]
		fd, err := loadNamed(of, name)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		info, err := infoOf(fd)
		unix.Close(fd)
		if err != nil {
			return "", err
		}
		all = append(all, info)
	}
	out, err := json.Marshal(all)
	return string(out), err
})

// bpfRaced n: loads "honest" while another thread lets all new descriptors lead to "other".
var _ = can("bpfRaced", times(func(n int, _ []string) error {
	other, err := loadNamed(unix.BPF_PROG_TYPE_SOCKET_FILTER, "other")
	if err != nil {
		return err
	}
	defer unix.Close(other)
	free, err := unix.Dup(other) // the number that every load will get
	if err != nil {
		return err
	}
	unix.Close(free)
	end := beside(func() {
		if _, err := unix.FcntlInt(uintptr(free), unix.F_GETFD, 0); err == nil { // only what is open is replaced
			_ = unix.Dup3(other, free, unix.O_CLOEXEC)
		}
	})
	for range n {
		fd, e := loadNamed(unix.BPF_PROG_TYPE_SOCKET_FILTER, "honest")
		err = errors.Join(err, e)
		if e == nil {
			unix.Close(fd)
		}
	}
	end()
	unix.Close(free)
	return err
}))

func TestKernelRecordsOfBPF(t *testing.T) {
	reportEachWay(t, []string{"kernel.bpf"}, func(t *testing.T, r *reporting) {
		h := startHelper(t)
		t.Run("programs", func(t *testing.T) {
			h.t = t
			var want []bpfInfo
			got := r.during(t, event.BPF, func() {
				fatal(t, json.Unmarshal([]byte(h.do("bpfNamed", "first", "", "exactly15_chars", "x.y_z")), &want))
			})
			if len(got) != len(want) || len(want) != 4 {
				t.Fatalf("%d records instead of %d", len(got), len(want))
			}
			for i, e := range got {
				h.of(t, e, 0)
				if is := (bpfInfo{e.BPF.Type, e.BPF.ID, string(e.BPF.Name)}); is != want[i] || is.ID == 0 {
					t.Errorf("%+v instead of %+v", is, want[i])
				}
			}
		})
		t.Run("programs that cannot be", func(t *testing.T) {
			h.t = t
			got := r.during(t, event.BPF, func() { h.do("bpfProg", "5", "EINVAL") })
			if len(got) != 5 {
				t.Fatalf("%d records instead of 5", len(got))
			}
			for _, e := range got {
				h.of(t, e, unix.EINVAL)
				if e.BPF.ID != 0 || e.BPF.Type != 0 || len(e.BPF.Name) != 0 {
					t.Errorf("%+v", e.BPF)
				}
			}
		})
		t.Run("what loads no program", func(t *testing.T) {
			h.t = t
			if got := r.during(t, event.BPF, func() { h.do("bpfMap", "5", "") }); len(got) != 0 {
				t.Errorf("%+v", got)
			}
		})
		t.Run("descriptors that are replaced", func(t *testing.T) {
			h.t = t
			got := r.during(t, event.BPF, func() { h.do("bpfRaced", "300") })
			if len(got) != 301 {
				t.Fatalf("%d records instead of 301", len(got))
			}
			others := 0
			for _, e := range got {
				if string(e.BPF.Name) == "other" {
					others++
				}
			}
			if others != 1 && tellsNames(t) {
				t.Errorf("%d are said to be another program", others-1)
			}
		})
	})
}

func TestKernelRecordsOfOwnBPF(t *testing.T) {
	reportEachWay(t, []string{"kernel.bpf"}, func(t *testing.T, r *reporting) {
		moveTo(t, testCgroup())
		defer moveTo(t, cgroup2Root(""))
		if got := r.during(t, event.BPF, func() { fatal(t, Open(Options{Process: true}).Close()) }); len(got) != 0 {
			t.Errorf("%+v", got)
		}
	})
}
