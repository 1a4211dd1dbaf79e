package job

import (
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"strings"
)

// AgainID is the message that a message becomes when its mail is done again: always the same. It
// names the mail's new object too. The beginning is a hash, as tables show the beginnings of ids.
func AgainID(messageID string) string {
	sum := sha256.Sum256([]byte("again\x00" + messageID))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:20])) + "-again"
}

// What the metadata of a mail's object may say (S3 user metadata).
const (
	MetadataReceivedAt = "received-at" // when the mail was received: epoch milliseconds or RFC 3339
	MetadataAgainOf    = "again-of"    // the message that is done again, as url.PathEscape writes it
	MetadataAgainFor   = "again-for"   // its key: the mail is done again for no other
)

// LookInto are the shell commands of every dead letter: they show the message and its mail, do it
// again, and close the letter. They suppose AWS itself; heph adds what leads to another stack.
func LookInto(messageID string, raw ObjectRef) []string {
	id := quoted(messageID)
	return []string{
		"heph status --message " + id,
		"aws s3 cp " + quoted("s3://"+raw.Bucket+"/"+raw.Key) + " -",
		"heph again " + id,
		"heph dismiss " + id + " --because TEXT",
	}
}

// LookIntoHeld are those of a held message: they let it begin in place of doing it again.
func LookIntoHeld(messageID string, raw ObjectRef) []string {
	list := LookInto(messageID, raw)
	list[2] = "heph release " + quoted(messageID)
	return list
}

// quoted is one word of a shell.
func quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9._:/@-]+$`)
