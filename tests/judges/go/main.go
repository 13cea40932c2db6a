// Judge reads logs and receipts with libraries that Precise has no part in, and makes logs with
// them for Precise to read: golang.org/x/mod/sumdb, torchwood, and Tessera.
//
//	judge verify DIR VKEY [CHECKPOINT...]  a log, and older checkpoints of it
//	judge receipts POLICY RECEIPT...       receipts, by the policy in a file
//	judge make DIR SIZE [VARIANT]          makes a log, or grows the one that is there
//	judge prove DIR INDEX                  prints the log proof of an entry
//	judge cosign DIR                       adds a witness's cosignature to a log's checkpoint
//
// What verifies says how many checks there were, "N passed, 0 failed"; the first that fails ends
// it, with "N passed, 1 failed" and exit code 1.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"k8s.io/klog/v2"
)

func main() {
	silence()
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}

// Tessera tells what it does.
func silence() {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("a command and its arguments are missing; main.go has them")
	}
	command, args := args[0], args[1:]
	var t tally
	switch {
	case command == "verify" && len(args) >= 2:
		return t.report(verifyLog(&t, args[0], args[1], args[2:]))
	case command == "receipts" && len(args) >= 2:
		return t.report(verifyReceipts(&t, args[0], args[1:]))
	case command == "make" && (len(args) == 2 || len(args) == 3):
		size, err := strconv.ParseUint(args[1], 10, 32)
		if err != nil {
			return err
		}
		return makeLog(args[0], size, append(args, "main")[2])
	case command == "prove" && len(args) == 2:
		index, err := strconv.ParseInt(args[1], 10, 64)
		if err != nil {
			return err
		}
		return prove(args[0], index)
	case command == "cosign" && len(args) == 1:
		return cosign(args[0])
	}
	return fmt.Errorf("no such command, or not with %d arguments; main.go has them", len(args))
}

// Counts checks that passed.
type tally struct{ passed int }

// Takes the error of a check, and hands it on with what was checked.
func (t *tally) check(err error, format string, args ...any) error {
	if err != nil {
		return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
	}
	t.passed++
	return nil
}

func (t *tally) report(err error) error {
	failed := 0
	if err != nil {
		failed = 1
	}
	fmt.Printf("%d passed, %d failed\n", t.passed, failed)
	return err
}
