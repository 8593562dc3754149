//go:build cgo

package module

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>
*/
import "C"

import (
	"errors"
	"strings"
	"sync"
	"unsafe"

	"github.com/miekg/pkcs11"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
)

// failure is a function of the library that failed.
type failure struct {
	function string
	result   ck.RV
}

func (f *failure) Error() string { return f.function + ": " + f.result.String() }

// failed turns an error of the library into a failure; nil stays nil.
func failed(function string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[pkcs11.Error](err); ok {
		return &failure{function, ck.RV(e)}
	}
	return err
}

// resultOf returns the library's result in err, OK if it has none.
func resultOf(err error) ck.RV {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.result
	}
	return ck.RVOK
}

// library is a loaded and initialised PKCS#11 library.
type library struct {
	ctx *pkcs11.Ctx
	// single is set for a library that cannot lock: it gets one call at a time.
	single bool

	mu    sync.Mutex // guards the field below
	pools map[uint]*pool
}

// loadError is a reason of the dynamic loader.
type loadError string

func (e loadError) Error() string { return string(e) }

// load loads the library at a path, or a bare name that the loader looks for, and
// initialises it for several threads.
func load(path string) (*library, error) {
	if err := probe(path); err != nil {
		return nil, err
	}
	l := &library{ctx: pkcs11.New(path), pools: map[uint]*pool{}}
	if l.ctx == nil {
		return nil, loadError("C_GetFunctionList failed")
	}
	err := l.ctx.Initialize()
	if errors.Is(err, pkcs11.Error(pkcs11.CKR_CANT_LOCK)) || errors.Is(err, pkcs11.Error(pkcs11.CKR_NEED_TO_CREATE_THREADS)) {
		l.single = true
		err = l.ctx.Initialize(pkcs11.InitializeWithFlags(0))
	}
	if errors.Is(err, pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED)) {
		err = nil
	}
	return l, failed("C_Initialize", err)
}

// probe asks the dynamic loader for the library, because it says why it refuses. The
// reference that it takes is kept: a library that was unloaded while its threads run would
// take the process down.
func probe(path string) error {
	if path == "" || strings.ContainsRune(path, 0) {
		return loadError("the path is empty or contains a zero byte")
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	handle := C.dlopen(name, C.RTLD_LAZY)
	if handle == nil {
		return loadError(C.GoString(C.dlerror()))
	}
	symbol := C.CString("C_GetFunctionList")
	defer C.free(unsafe.Pointer(symbol))
	if C.dlsym(handle, symbol) == nil {
		return loadError("it has no function C_GetFunctionList, so it is no PKCS#11 library")
	}
	return nil
}

// pool returns the open pool of a slot.
func (l *library) pool(slot uint64) (*pool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.pools[uint(slot)]; p != nil {
		return p, nil
	}
	return nil, &failure{"C_OpenSession", ck.RVSessionHandleInvalid}
}

// open opens a slot with at most that many sessions; what was open there is closed first.
func (l *library) open(slot uint64, most int, exclusive bool) error {
	l.close(slot)
	if l.single {
		most = 1
	}
	p, err := newPool(l.ctx, uint(slot), most, exclusive)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pools[uint(slot)] = p
	return nil
}

// close closes all sessions of a slot, which also ends the login.
func (l *library) close(slot uint64) {
	l.mu.Lock()
	p := l.pools[uint(slot)]
	delete(l.pools, uint(slot))
	l.mu.Unlock()
	if p != nil {
		p.close()
	}
}

// finalize ends the use of the library. Calls must have ended.
func (l *library) finalize() {
	l.mu.Lock()
	pools := l.pools
	l.pools = map[uint]*pool{}
	l.mu.Unlock()
	for _, p := range pools {
		p.close()
	}
	_ = l.ctx.Finalize() // the process ends
}
