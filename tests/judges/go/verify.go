package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/torchwood"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Up to this size every proof is made: each entry in each tree, each tree in each. In a larger log
// about so many entries and older trees are taken, spread evenly.
const allProofs = 300

func verifyLog(t *tally, dir, vkey string, older []string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	now, err := openCheckpoint(filepath.Join(dir, "checkpoint"), verifier)
	if err := t.check(err, "checkpoint"); err != nil {
		return err
	}
	leaves, err := readBundles(t, dir, now.N)
	if err != nil {
		return err
	}
	hashes := &stored{}
	for i, leaf := range leaves {
		added, err := tlog.StoredHashesForRecordHash(int64(i), leaf, hashes)
		if err != nil {
			return err
		}
		hashes.all = append(hashes.all, added...)
	}
	root, err := tlog.TreeHash(now.N, hashes)
	if err == nil && root != now.Hash {
		err = fmt.Errorf("it is %v, and the checkpoint's %v", root, now.Hash)
	}
	if err := t.check(err, "the root over the bundles"); err != nil {
		return err
	}
	if err := checkTiles(t, dir, now.N, hashes); err != nil {
		return err
	}
	if err := checkOthers(dir, now.N); err != nil {
		return err
	}
	files, err := torchwood.NewTileFS(os.DirFS(dir))
	if err != nil {
		return err
	}
	ctx := context.Background()
	reader := torchwood.TileHashReaderWithContext(ctx, now.Tree, files)
	// From the tiles, of the log as it is now; from what was read of them, as it once was.
	if err := checkProofs(t, now.Tree, leaves, reader); err != nil {
		return err
	}
	for size := int64(1); size < now.N && now.N <= allProofs; size++ {
		root, err := tlog.TreeHash(size, hashes)
		if err != nil {
			return err
		}
		if err := checkProofs(t, tlog.Tree{N: size, Hash: root}, leaves, hashes); err != nil {
			return err
		}
	}
	for _, name := range older {
		old, err := openCheckpoint(name, verifier)
		if err == nil {
			err = checkTree(now.Tree, old.Tree, reader)
		}
		if err := t.check(err, "the older checkpoint %s", name); err != nil {
			return err
		}
	}
	if err := readAsClient(t, files, now.Tree, leaves); err != nil {
		return err
	}
	tessera := fsck.New(now.Origin, verifier, client.FileFetcher{Root: dir}, hashBundle, fsck.Opts{})
	return t.check(tessera.Check(ctx), "Tessera's fsck")
}

func openCheckpoint(name string, verifier note.Verifier) (torchwood.Checkpoint, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return torchwood.Checkpoint{}, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return torchwood.Checkpoint{}, err
	}
	checkpoint, err := torchwood.ParseCheckpoint(opened.Text)
	if err == nil && checkpoint.Origin != verifier.Name() {
		err = fmt.Errorf("it is of %s", checkpoint.Origin)
	}
	return checkpoint, err
}

// The leaf of every entry in the bundles that a log of the size has.
func readBundles(t *tally, dir string, size int64) ([]tlog.Hash, error) {
	var leaves []tlog.Hash
	for begin := int64(0); begin < size; begin += torchwood.TileWidth {
		width := min(size-begin, torchwood.TileWidth)
		tile := tlog.Tile{H: torchwood.TileHeight, L: -1, N: begin / torchwood.TileWidth, W: int(width)}
		name := torchwood.TilePath(tile)
		bundle, err := os.ReadFile(filepath.Join(dir, name))
		for range width {
			var entry []byte
			if err == nil {
				entry, bundle, err = torchwood.ReadTileEntry(bundle)
			}
			leaves = append(leaves, tlog.RecordHash(entry))
		}
		if err == nil && len(bundle) > 0 {
			err = fmt.Errorf("%d bytes are left over", len(bundle))
		}
		if err := t.check(err, "%s", name); err != nil {
			return nil, err
		}
	}
	return leaves, nil
}

// Every hash tile that a log of the size has, byte for byte.
func checkTiles(t *tally, dir string, size int64, hashes tlog.HashReader) error {
	for _, tile := range tlog.NewTiles(torchwood.TileHeight, 0, size) {
		wanted, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return err
		}
		name := torchwood.TilePath(tile)
		found, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && !bytes.Equal(found, wanted) {
			err = errors.New("its hashes are not those of the bundles")
		}
		if err := t.check(err, "%s", name); err != nil {
			return err
		}
	}
	return nil
}

// What else lies there is a beginning of what was checked: partial tiles of smaller trees.
func checkOthers(dir string, size int64) error {
	return filepath.WalkDir(filepath.Join(dir, "tile"), func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && size == 0 {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		tile, err := torchwood.ParseTilePath(filepath.ToSlash(relative))
		if err != nil {
			return err
		}
		whole := tile
		// How many hashes or entries the tree has at the tile's place.
		whole.W = int(min(size>>(8*max(tile.L, 0))-tile.N*torchwood.TileWidth, torchwood.TileWidth))
		if tile.W > whole.W {
			return fmt.Errorf("%s: the tree does not reach there", relative)
		}
		wanted, err := os.ReadFile(filepath.Join(dir, torchwood.TilePath(whole)))
		if err != nil {
			return err
		}
		wanted, err = firstOf(wanted, tile)
		if err != nil {
			return err
		}
		found, err := os.ReadFile(name)
		if err == nil && !bytes.Equal(found, wanted) {
			err = fmt.Errorf("%s: it is no beginning of %s", relative, torchwood.TilePath(whole))
		}
		return err
	})
}

// What a tile or bundle has in common with one of the tile's width.
func firstOf(data []byte, tile tlog.Tile) ([]byte, error) {
	if tile.L >= 0 {
		return data[:tile.W*tlog.HashSize], nil
	}
	rest := data
	for range tile.W {
		var err error
		if _, rest, err = torchwood.ReadTileEntry(rest); err != nil {
			return nil, err
		}
	}
	return data[:len(data)-len(rest)], nil
}

// That a tree has its entries in it, and the trees that it grew from.
func checkProofs(t *tally, tree tlog.Tree, leaves []tlog.Hash, reader tlog.HashReader) error {
	for i := int64(0); i < tree.N; i += max(1, tree.N/allProofs) {
		proof, err := tlog.ProveRecord(tree.N, i, reader)
		if err == nil {
			err = tlog.CheckRecord(proof, tree.N, tree.Hash, i, leaves[i])
		}
		if err := t.check(err, "entry %d of %d", i, tree.N); err != nil {
			return err
		}
		old := tlog.Tree{N: i + 1}
		old.Hash, err = tlog.TreeHash(old.N, reader)
		if err == nil {
			err = checkTree(tree, old, reader)
		}
		if err := t.check(err, "the first %d of %d", old.N, tree.N); err != nil {
			return err
		}
	}
	return nil
}

// That a tree has an older one in it. The empty tree is in every one, and has no proof.
func checkTree(now, old tlog.Tree, reader tlog.HashReader) error {
	if old.N > now.N {
		return fmt.Errorf("it has %d entries, and the log %d", old.N, now.N)
	}
	if old.N == 0 {
		empty, err := tlog.TreeHash(0, reader)
		if err == nil && old.Hash != empty {
			err = errors.New("its root is not that of no entries")
		}
		return err
	}
	proof, err := tlog.ProveTree(now.N, old.N, reader)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, now.N, now.Hash, old.N, old.Hash)
}

// Every entry again, as torchwood's client reads a log.
func readAsClient(t *tally, files torchwood.TileReader, tree tlog.Tree, leaves []tlog.Hash) error {
	reader, err := torchwood.NewClient(files)
	if err != nil {
		return err
	}
	next := int64(0)
	for i, entry := range reader.AllEntries(context.Background(), tree, 0) {
		if i != next || tlog.RecordHash(entry) != leaves[i] {
			return fmt.Errorf("entry %d: torchwood's client reads another", i)
		}
		next++
		t.passed++
	}
	if err := reader.Err(); err != nil {
		return err
	}
	if next != tree.N {
		return fmt.Errorf("torchwood's client reads %d entries of %d", next, tree.N)
	}
	return nil
}

// The leaves of a bundle, as Tessera has them.
func hashBundle(bytes []byte) ([][]byte, error) {
	var bundle api.EntryBundle
	if err := bundle.UnmarshalText(bytes); err != nil {
		return nil, err
	}
	var leaves [][]byte
	for _, entry := range bundle.Entries {
		leaf := tlog.RecordHash(entry)
		leaves = append(leaves, leaf[:])
	}
	return leaves, nil
}

// Hashes in the order in which x/mod stores them.
type stored struct{ all []tlog.Hash }

func (s *stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = s.all[index]
	}
	return hashes, nil
}

// A log's directory, its checkpoint not verified.
func readLog(dir string) (string, torchwood.Checkpoint, *torchwood.TileFS, error) {
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return "", torchwood.Checkpoint{}, nil, err
	}
	text, _, _ := strings.Cut(string(signed), "\n\n")
	checkpoint, err := torchwood.ParseCheckpoint(text + "\n")
	if err != nil {
		return "", torchwood.Checkpoint{}, nil, err
	}
	files, err := torchwood.NewTileFS(os.DirFS(dir))
	return string(signed), checkpoint, files, err
}
