package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"filippo.io/torchwood"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Entries that are appended between two checkpoints.
const batch = 4096

// Makes a log of so many entries with Tessera, and prints its key. Entries differ with the variant.
func makeLog(dir string, size uint64, variant string) error {
	secret, public, err := keys()
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	// Its threads end with it.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		return err
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(batch, 50*time.Millisecond).
		WithPushback(2 * batch).
		WithCheckpointInterval(100 * time.Millisecond).
		WithGarbageCollectionInterval(0)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return err
	}
	first, err := reader.IntegratedSize(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	for begin := first; begin < size; begin += batch {
		var futures []tessera.IndexFuture
		for i := begin; i < min(begin+batch, size); i++ {
			futures = append(futures, appender.Add(ctx, tessera.NewEntry(entry(i, variant))))
		}
		for i, future := range futures {
			index, err := future()
			if err == nil && index.Index != begin+uint64(i) {
				err = fmt.Errorf("it became %d", index.Index)
			}
			if err != nil {
				return fmt.Errorf("entry %d: %w", begin+uint64(i), err)
			}
		}
	}
	// It waits for the checkpoint.
	if err := shutdown(ctx); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d entries in %.1f s\n", max(size, first)-first, time.Since(began).Seconds())
	fmt.Println(public)
	return nil
}

// The keys of every log that is made here: nobody is to trust them.
func keys() (secret, public string, err error) {
	seed := bytes.NewReader(make([]byte, ed25519.SeedSize))
	return note.GenerateKey(seed, "judge.example/log")
}

// Entries of a log need be no text, and may be of no bytes or of as many as a bundle can hold.
func entry(index uint64, variant string) []byte {
	switch index {
	case 5:
		return nil
	case 6:
		return bytes.Repeat([]byte{0xFF}, 65535)
	}
	return fmt.Appendf(nil, "%s %d\xFF\x00%[2]x", variant, index)
}

func prove(dir string, index int64) error {
	signed, now, files, err := readLog(dir)
	if err != nil {
		return err
	}
	reader := torchwood.TileHashReaderWithContext(context.Background(), now.Tree, files)
	proof, err := tlog.ProveRecord(now.N, index, reader)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(torchwood.FormatProof(index, proof, []byte(signed)))
	return err
}

// Adds a cosignature to the checkpoint, and prints the witness's key.
func cosign(dir string) error {
	signed, now, _, err := readLog(dir)
	if err != nil {
		return err
	}
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	witness, err := torchwood.NewCosignatureSigner("judge.example/witness", key)
	if err != nil {
		return err
	}
	cosigned, err := note.Sign(&note.Note{Text: now.String()}, witness)
	if err != nil {
		return err
	}
	_, signature, _ := bytes.Cut(cosigned, []byte("\n\n"))
	if err := os.WriteFile(filepath.Join(dir, "checkpoint"), append([]byte(signed), signature...), 0o644); err != nil {
		return err
	}
	fmt.Println(witness.Verifier())
	return nil
}
