package ctl

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
)

// maxDeviceFile bounds a device file, in bytes.
const maxDeviceFile = 2 << 20

// Names of the original client.
const (
	originalDevices  = "devices"
	originalLocks    = "in_use_devices"
	originalArchived = ".archived"
)

func (p *Program) deviceImport() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Take a device over from the original client",
		Long: `Take a device over from the original client: FILE is one of the .keys files below
~/.config/parsec3/libparsec/devices. It opens with the same password as before.

No two programs may run one device, so the original's file is renamed to end in
.keys.archived, under which that client does not see it any more. The client must not have
the device open. What is interrupted is continued when it is repeated.

Of a file elsewhere, such as a backup, only you know whether another program uses the
device: you are asked, or say so with --yes.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runDeviceImport(cmd.Context(), c, args[0], yes) })
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "no other program uses the device: do not ask")
	return cmd
}

func (p *Program) runDeviceImport(ctx context.Context, c *client.Client, path string, yes bool) error {
	source, content, err := p.deviceSource(path)
	if err != nil {
		return err
	}
	if source.root == "" && !yes {
		sure, err := terminal.Confirm(ctx, "Is it certain that no other program uses this device?")
		if err != nil {
			return noTerminal(err, "whether another program uses the device", "--yes")
		}
		if !sure {
			return advise(errors.New("nothing was imported"), "take the device out of use where it is, then import it")
		}
	}
	d, err := c.OfferDevice(ctx, content)
	if err != nil {
		return err
	}
	release, err := source.giveUp(d.ID)
	if err != nil {
		return errors.Join(err, c.WithdrawDevice(ctx, d.ID))
	}
	defer release()
	d, err = c.CommitDevice(ctx, d.ID)
	if err != nil {
		return advise(err, "repeat the command, which goes on where it ended")
	}
	p.say("device %q is yours here: parsecctl device unlock", deviceName(d))
	return p.emitJSON(map[string]any{"device": viewDevice(d)})
}

// deviceSource is where a device file comes from.
type deviceSource struct {
	path string
	// root is the configuration directory of the original client that the file is in, empty for none.
	root     string
	archived bool // the original has given it up before
}

// deviceSource reads a device file, or what an import before this one has made of it.
func (p *Program) deviceSource(path string) (deviceSource, []byte, error) {
	s := deviceSource{path: path}
	if path != "-" {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return s, nil, err
		}
		s.path, s.root = absolute, originalRoot(absolute)
	}
	content, err := p.read(path, maxDeviceFile)
	if errors.Is(err, fs.ErrNotExist) && s.root != "" {
		s.archived = true
		if before, e := p.read(path+originalArchived, maxDeviceFile); e == nil {
			return s, before, nil
		}
	}
	return s, content, err
}

// originalRoot returns the directory above the "devices" that a .keys file is in.
func originalRoot(path string) string {
	if !strings.HasSuffix(path, ".keys") {
		return ""
	}
	for dir := filepath.Dir(path); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if filepath.Base(dir) == originalDevices {
			return filepath.Dir(dir)
		}
	}
	return ""
}

// giveUp makes the original client unable to use the device, under the lock by which it says that it does. The lock is held
// until release.
func (s deviceSource) giveUp(id string) (release func(), err error) {
	if s.root == "" {
		return func() {}, nil
	}
	locks := filepath.Join(s.root, originalLocks)
	if err := os.MkdirAll(locks, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(locks, id), os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the agent gave the id, 32 digits
	if err != nil {
		return nil, err
	}
	release = func() { _ = lock.Close() } // which gives the lock up
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = advise(errors.New("the original client has the device open; nothing was imported"), "end that program, then repeat the command")
	}
	if err == nil && !s.archived {
		err = archive(s.path)
	}
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// archive renames a device file as the original client does, durably.
func archive(path string) error {
	to := path + originalArchived
	err := unix.Renameat2(unix.AT_FDCWD, path, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // a file system without the flag
		if _, err = os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			err = os.Rename(path, to)
		} else if err == nil {
			err = fs.ErrExist
		}
	}
	if err != nil {
		return fmt.Errorf("cannot rename %s to %s: %w", path, filepath.Base(to), err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
