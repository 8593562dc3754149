package trust

import "errors"

// LocalFileManifest is a file as this machine has it (3.4). It is encrypted, and not signed.
//
//codec:map local_file_manifest
type LocalFileManifest struct {
	Base      FileManifest `mp:"base"`
	Parent    VlobID       `mp:"parent"`
	NeedSync  bool         `mp:"need_sync"`
	Updated   DateTime     `mp:"updated"`
	Size      uint64       `mp:"size"`
	Blocksize uint64       `mp:"blocksize"`
	// Blocks has one list for each span of Blocksize bytes.
	Blocks [][]ChunkView `mp:"blocks,max=maxList"`
	Origin FileOrigin    `mp:"origin,since"`
}

// ChunkView is a part of a stored chunk that stands in a file.
//
//codec:map
type ChunkView struct {
	ID ChunkID `mp:"id"`
	// Start and Stop are in the file, as is RawOffset, where the chunk of RawSize bytes would begin.
	Start     uint64 `mp:"start"`
	Stop      uint64 `mp:"stop"`
	RawOffset uint64 `mp:"raw_offset"`
	RawSize   uint64 `mp:"raw_size"`
	// Access is nil while the chunk is no block that could be uploaded.
	Access *BlockAccess `mp:"access,null"`
}

// LocalFolderManifest is a folder as this machine has it.
//
//codec:map local_folder_manifest
type LocalFolderManifest struct {
	Base                    FolderManifest       `mp:"base"`
	Parent                  VlobID               `mp:"parent"`
	NeedSync                bool                 `mp:"need_sync"`
	Updated                 DateTime             `mp:"updated"`
	Children                map[EntryName]VlobID `mp:"children,max=maxList"`
	LocalConfinementPoints  map[VlobID]struct{}  `mp:"local_confinement_points,max=maxList"`
	RemoteConfinementPoints map[VlobID]struct{}  `mp:"remote_confinement_points,max=maxList"`
	// Speculative says that it was made without knowing what the server has.
	Speculative bool `mp:"speculative"`
}

// LocalUserManifest is what a user keeps for themself, as this machine has it.
//
//codec:map local_user_manifest
type LocalUserManifest struct {
	Base            UserManifest     `mp:"base"`
	NeedSync        bool             `mp:"need_sync"`
	Updated         DateTime         `mp:"updated"`
	LocalWorkspaces []LocalWorkspace `mp:"local_workspaces,max=maxList"`
	Speculative     bool             `mp:"speculative"`
}

// LocalWorkspace is what this machine knows of a workspace.
//
//codec:map
type LocalWorkspace struct {
	Archiving             *ArchivingConfiguration `mp:"archiving_configuration,since"`
	ArchivingOrigin       *InfoOrigin             `mp:"archiving_configuration_origin,since"`
	CanSelfPromoteToOwner *bool                   `mp:"can_self_promote_to_owner,since"`
	ID                    RealmID                 `mp:"id"`
	Name                  EntryName               `mp:"name"`
	NameOrigin            InfoOrigin              `mp:"name_origin"`
	Role                  Role                    `mp:"role"`
	RoleOrigin            InfoOrigin              `mp:"role_origin"`
}

// Chunks that contradict each other, or the manifest.
var (
	errChunk      = errors.New("a chunk view is empty or exceeds its chunk")
	errChunkOrder = errors.New("a chunk view is not in its span, or not in order")
	errEmpty      = errors.New("the last span is empty")
)

func (m *LocalFileManifest) check() error {
	switch {
	case m.Blocksize < MinBlocksize:
		return errBlocksize
	case m.Base.ID == m.Parent:
		return errParent
	case len(m.Blocks) > 0 && len(m.Blocks[len(m.Blocks)-1]) == 0:
		return errEmpty
	}
	end := uint64(0)
	for span, views := range m.Blocks {
		for i := range views {
			c := &views[i]
			if !c.whole() {
				return errChunk
			}
			if c.Start < end || c.Start/m.Blocksize != uint64(span) || (c.Stop-1)/m.Blocksize != uint64(span) {
				return errChunkOrder
			}
			end = c.Stop
		}
	}
	if end > m.Size {
		return errSize
	}
	return m.Base.check()
}

// whole reports whether the view lies in its chunk.
func (c *ChunkView) whole() bool {
	rawEnd := c.RawOffset + c.RawSize
	return c.RawSize > 0 && rawEnd >= c.RawOffset && c.RawOffset <= c.Start && c.Start < c.Stop && c.Stop <= rawEnd
}
