package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

// What is read of a receipt, or of a status receipt, which has no batch.
type receipt struct {
	Batch *struct {
		Count int64
		Index int64
		Path  []string
	}
	Entry     string
	ProofHash string `json:"proof_hash"`
	TlogProof string `json:"tlog_proof"`
}

// Each receipt: its proof hash is in the batch of its entry, and the entry in a log of the policy.
func verifyReceipts(t *tally, policyFile string, names []string) error {
	text, err := os.ReadFile(policyFile)
	if err != nil {
		return err
	}
	policy, err := torchwood.ParsePolicy(text)
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var r receipt
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if r.Batch != nil {
			if err := t.check(checkBatch(&r), "%s: the batch", name); err != nil {
				return err
			}
		}
		leaf := tlog.RecordHash([]byte(r.Entry))
		err = torchwood.VerifyProof(policy, leaf, []byte(r.TlogProof))
		if err := t.check(err, "%s: the log proof", name); err != nil {
			return err
		}
	}
	return nil
}

func checkBatch(r *receipt) error {
	var entry struct {
		BatchRoot string `json:"batch_root"`
		Count     int64
	}
	if err := json.Unmarshal([]byte(r.Entry), &entry); err != nil {
		return err
	}
	if entry.Count != r.Batch.Count {
		return fmt.Errorf("the entry counts %d, and the batch %d", entry.Count, r.Batch.Count)
	}
	root, err := parseHash(entry.BatchRoot)
	if err != nil {
		return err
	}
	proofHash, err := parseHash(r.ProofHash)
	if err != nil {
		return err
	}
	var path tlog.RecordProof
	for _, text := range r.Batch.Path {
		hash, err := parseHash(text)
		if err != nil {
			return err
		}
		path = append(path, hash)
	}
	leaf := tlog.RecordHash(proofHash[:])
	return tlog.CheckRecord(path, entry.Count, root, r.Batch.Index, leaf)
}

func parseHash(text string) (hash tlog.Hash, err error) {
	bytes, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err == nil && len(bytes) != sha256.Size {
		err = fmt.Errorf("a hash of %d bytes", len(bytes))
	}
	copy(hash[:], bytes)
	return hash, err
}
