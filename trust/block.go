package trust

import "slices"

// SealBlock encrypts a block, and returns where it stands with its digest.
func (k KeyDerivation) SealBlock(id BlockID, offset uint64, plain []byte) (BlockAccess, []byte, error) {
	return k.AppendSealedBlock(nil, id, offset, plain)
}

// AppendSealedBlock is SealBlock, and appends to dst, which is not part of plain. Use the memory of one block for the next: fresh memory
// of that size costs a third of the encryption.
func (k KeyDerivation) AppendSealedBlock(dst []byte, id BlockID, offset uint64, plain []byte) (BlockAccess, []byte, error) {
	if len(plain) == 0 {
		return BlockAccess{}, nil, ErrBlock
	}
	key, err := k.BlockKey(id)
	if err != nil {
		return BlockAccess{}, nil, err
	}
	defer key.Wipe()
	sealed, err := key.appendEncrypted(slices.Grow(dst, SecretKeyOverhead+len(plain)), plain)
	return BlockAccess{ID: id, Offset: offset, Size: uint64(len(plain)), Digest: Digest(plain)}, sealed, err
}

// OpenBlock decrypts a block and compares it with what the manifest says. Only the manifest is signed.
func (k KeyDerivation) OpenBlock(access BlockAccess, sealed []byte) ([]byte, error) {
	return k.AppendOpenedBlock(nil, access, sealed)
}

// AppendOpenedBlock is OpenBlock, and appends to dst, which is not part of sealed.
func (k KeyDerivation) AppendOpenedBlock(dst []byte, access BlockAccess, sealed []byte) ([]byte, error) {
	key, err := k.BlockKey(access.ID)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	size := len(sealed) - SecretKeyOverhead
	switch {
	case size < 0:
		return nil, ErrDecryption
	case uint64(size) != access.Size:
		return nil, ErrBlock
	}
	out, err := key.appendDecrypted(slices.Grow(dst, size), sealed)
	if err != nil {
		return nil, err
	}
	if plain := out[len(dst):]; Digest(plain) != access.Digest {
		wipe(plain)
		return nil, ErrBlock
	}
	return out, nil
}
