//go:build cgo

package module

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>

// C_Initialize without arguments: the library is told that there are no threads.
static unsigned long initialize(void *function) {
	return ((unsigned long (*)(void *))function)(NULL);
}
*/
import "C"

import (
	"errors"
	"runtime"
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
	// single is set for a library that cannot or shall not lock: it gets one call at a time.
	single bool
	alone  sync.Mutex // held during each call of a single library

	mu    sync.Mutex // guards the field below
	pools map[uint]*pool
}

// loadError is a reason of the dynamic loader.
type loadError string

func (e loadError) Error() string { return string(e) }

// load loads the library at a path, or a bare name that the loader looks for, and
// initialises it for several threads, or for one.
func load(path string, single bool) (*library, error) {
	handle, err := probe(path)
	if err != nil {
		return nil, err
	}
	l := &library{ctx: pkcs11.New(path), single: single, pools: map[uint]*pool{}}
	if l.ctx == nil {
		return nil, loadError("C_GetFunctionList failed")
	}
	err = l.initialize(handle)
	if !single && cannotLock(err) {
		l.single = true
		err = l.initialize(handle)
	}
	if errors.Is(err, pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED)) {
		err = nil
	}
	return l, failed("C_Initialize", err)
}

// initialize initialises the library. One that is not to lock gets no arguments, as far as
// it shows the function: OpenSC takes arguments without a flag for a wish to lock.
func (l *library) initialize(handle unsafe.Pointer) error {
	if !l.single {
		return l.ctx.Initialize()
	}
	name := C.CString("C_Initialize")
	defer C.free(unsafe.Pointer(name))
	function := C.dlsym(handle, name)
	if function == nil {
		return l.ctx.Initialize(pkcs11.InitializeWithFlags(0))
	}
	if rv := C.initialize(function); rv != pkcs11.CKR_OK {
		return pkcs11.Error(rv)
	}
	return nil
}

func cannotLock(err error) bool {
	return errors.Is(err, pkcs11.Error(pkcs11.CKR_CANT_LOCK)) || errors.Is(err, pkcs11.Error(pkcs11.CKR_NEED_TO_CREATE_THREADS))
}

// turn waits until a call may be made, and returns what ends it.
func (l *library) turn() (done func()) {
	if !l.single {
		return func() {}
	}
	l.alone.Lock()
	return l.alone.Unlock
}

// probe asks the dynamic loader for the library, because it says why it refuses. The
// reference that it takes is kept: a library that was unloaded while its threads run would
// take the process down. The loader keeps its reason for the thread that it refused.
func probe(path string) (handle unsafe.Pointer, err error) {
	if path == "" || strings.ContainsRune(path, 0) {
		return nil, loadError("the path is empty or contains a zero byte")
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	handle = C.dlopen(name, C.RTLD_LAZY)
	if handle == nil {
		return nil, loadError(C.GoString(C.dlerror()))
	}
	symbol := C.CString("C_GetFunctionList")
	defer C.free(unsafe.Pointer(symbol))
	if C.dlsym(handle, symbol) == nil {
		return nil, loadError("it has no function C_GetFunctionList, so it is no PKCS#11 library")
	}
	return handle, nil
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
