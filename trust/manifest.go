package trust

import (
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// Sizes of blocks (5.3).
const (
	DefaultBlocksize = 512 << 10
	MinBlocksize     = 8
)

// FileManifest is one version of a file (3.3).
//
//codec:map file_manifest
type FileManifest struct {
	Author    DeviceID `mp:"author"`
	Timestamp DateTime `mp:"timestamp"`
	ID        VlobID   `mp:"id"`
	Parent    VlobID   `mp:"parent"`
	// Version counts from 1.
	Version   uint32        `mp:"version"`
	Created   DateTime      `mp:"created"`
	Updated   DateTime      `mp:"updated"`
	Size      uint64        `mp:"size"`
	Blocksize uint64        `mp:"blocksize"`
	Blocks    []BlockAccess `mp:"blocks,max=maxList"`
	Origin    FileOrigin    `mp:"origin,since"`
}

// BlockAccess is where a block stands in a file, and what its content must be.
//
//codec:map
type BlockAccess struct {
	ID     BlockID    `mp:"id"`
	Offset uint64     `mp:"offset"`
	Size   uint64     `mp:"size"`
	Digest HashDigest `mp:"digest"`
}

// FolderManifest is one version of a folder.
//
//codec:map folder_manifest
type FolderManifest struct {
	Author    DeviceID             `mp:"author"`
	Timestamp DateTime             `mp:"timestamp"`
	ID        VlobID               `mp:"id"`
	Parent    VlobID               `mp:"parent"`
	Version   uint32               `mp:"version"`
	Created   DateTime             `mp:"created"`
	Updated   DateTime             `mp:"updated"`
	Children  map[EntryName]VlobID `mp:"children,max=maxList"`
}

// UserManifest is one version of what a user keeps for themself.
//
//codec:map user_manifest
type UserManifest struct {
	Author    DeviceID `mp:"author"`
	Timestamp DateTime `mp:"timestamp"`
	ID        VlobID   `mp:"id"`
	Version   uint32   `mp:"version"`
	Created   DateTime `mp:"created"`
	Updated   DateTime `mp:"updated"`
}

// FileOrigin says where a file comes from: nowhere special when zero, else a collaborative document.
type FileOrigin struct {
	ChannelID string
	Timestamp DateTime
	Cryptpad  bool
}

//codec:map CRYPTPAD
type cryptpadOrigin struct {
	ChannelID string   `mp:"channel_id,max=maxLabel"`
	Timestamp DateTime `mp:"timestamp"`
}

//codec:map DEFAULT
type defaultOrigin struct{}

func decodeFileOrigin(r *mpack.Reader, v *FileOrigin) {
	switch kind := r.Discriminant("type"); kind {
	case "DEFAULT":
		decodeDefaultOrigin(r, &defaultOrigin{})
	case "CRYPTPAD":
		o := cryptpadOrigin{}
		decodeCryptpadOrigin(r, &o)
		*v = FileOrigin{ChannelID: o.ChannelID, Timestamp: o.Timestamp, Cryptpad: true}
	default:
		unknownVariant(r, "origin", kind)
	}
}

func encodeFileOrigin(w *mpack.Writer, v *FileOrigin) {
	encodeCryptpadOrigin(w, &cryptpadOrigin{ChannelID: v.ChannelID, Timestamp: v.Timestamp})
}
