package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// A judge that refuses nothing is none: every byte of a log counts, and every file.
func TestEveryChangedByteIsRefused(t *testing.T) {
	dir := t.TempDir()
	made(t, dir, 3)
	key := made(t, dir, 4)
	checks := verified(t, dir, key)
	for _, name := range files(t, dir) {
		good, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// Of base64, x/mod takes several spellings; the checkpoint's text has one.
		text := good
		if filepath.Base(name) == "checkpoint" {
			text, _, _ = bytes.Cut(good, []byte("\n\n"))
		}
		for at := range text {
			changed := append([]byte(nil), good...)
			changed[at] ^= 1
			write(t, name, changed)
			refused(t, dir, key, name)
		}
		write(t, name, good[:len(good)-1])
		refused(t, dir, key, name)
		write(t, name, append(good, 0))
		refused(t, dir, key, name)
		write(t, name, good)
	}
	if again := verified(t, dir, key); again != checks {
		t.Errorf("%d checks, and %d before", again, checks)
	}
}

func TestAMissingFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	key := made(t, dir, 257)
	for _, name := range files(t, dir) {
		good, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, key, name)
		write(t, name, good)
	}
	verified(t, dir, key)
}

func TestAnotherKeyAndAnotherLogAreRefused(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	key := made(t, dir, 3)
	made(t, other, 2)
	older := filepath.Join(other, "checkpoint")
	var before, now tally
	if err := verifyLog(&now, dir, key, []string{older}); err != nil {
		t.Error("the log of two entries has grown to three:", err)
	}
	_, public, err := note.GenerateKey(nil, "judge.example/log")
	if err != nil {
		t.Fatal(err)
	}
	if err := verifyLog(&before, dir, public, nil); err == nil || before.passed != 0 {
		t.Error("a key that signed nothing is taken for the log's")
	}
	fork := t.TempDir()
	if err := makeLog(fork, 2, "fork"); err != nil {
		t.Fatal(err)
	}
	if err := verifyLog(&now, dir, key, []string{filepath.Join(fork, "checkpoint")}); err == nil {
		t.Error("a fork is taken for an older checkpoint")
	}
}

func TestMain(m *testing.M) {
	silence()
	os.Exit(m.Run())
}

func made(t *testing.T, dir string, size uint64) string {
	t.Helper()
	if err := makeLog(dir, size, "main"); err != nil {
		t.Fatal(err)
	}
	_, key, err := keys()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func verified(t *testing.T, dir, key string) int {
	t.Helper()
	var counted tally
	if err := verifyLog(&counted, dir, key, nil); err != nil {
		t.Fatal(err)
	}
	return counted.passed
}

func refused(t *testing.T, dir, key, name string) {
	t.Helper()
	var counted tally
	if err := verifyLog(&counted, dir, key, nil); err == nil {
		t.Errorf("%s: a changed log is taken for a good one", name)
	}
}

// The files of a log that anybody sees.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.Contains(name, "/.state/") {
			names = append(names, name)
		}
		return err
	})
	if err != nil || len(names) < 3 {
		t.Fatal(names, err)
	}
	return names
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
