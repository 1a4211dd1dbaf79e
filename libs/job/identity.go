package job

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Key is the unit of mutual exclusion: projectId + "#" + userId.
type Key string

// MaxKeyBytes is the most that a key may have: SQS takes no longer message group.
const MaxKeyBytes = 128

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// CheckName says what is wrong with the name of a project or user. A name has at most 64 lower case
// letters, digits, dots, dashes and underscores, so that it fits wherever it is used: in a path, an
// environment variable and the name of a queue. Both names of a key must fit together, too
// (NewKey).
func CheckName(what, name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("%s name %q: want 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit", what, name)
	}
	return nil
}

// NewKey joins a project and a user, or says what is wrong with them.
func NewKey(projectID, userID string) (Key, error) {
	if err := CheckName("project", projectID); err != nil {
		return "", err
	}
	if err := CheckName("user", userID); err != nil {
		return "", err
	}
	key := Key(projectID + "#" + userID)
	if len(key) > MaxKeyBytes {
		return "", fmt.Errorf("key %q has %d bytes: a project's and a user's name may have %d together, because SQS takes a message group of %d",
			key, len(key), MaxKeyBytes-len("#"), MaxKeyBytes)
	}
	return key, nil
}

// Split returns the project and the user of the key. The user is empty if there is no "#".
func (k Key) Split() (projectID, userID string) {
	projectID, userID, _ = strings.Cut(string(k), "#")
	return projectID, userID
}

// EmailFolder is where mail lies in its bucket: only objects whose keys begin with it are mail.
const EmailFolder = "emails/"

// derivedPrefix begins the message ids that are derived. No object's name that begins so is an id.
const derivedPrefix = "msg-"

// maxPlainIDBytes is the longest name of an object that is an id. It leaves room in the keys of the
// message's own objects (S3: 1,024 bytes).
const maxPlainIDBytes = 256

// MessageID names what a mail is to a key, or to nobody if the key is empty. Two objects never
// share an id, nor do two keys of one object, and the same always gives the same. alone says that
// the mail is for no other key: then an object directly under EmailFolder gives its own name, as
// SES made it, if that is fit to be an id. Every other id is derived.
func MessageID(object string, key Key, alone bool) string {
	if name, ok := strings.CutPrefix(object, EmailFolder); ok && alone && isPlainID(name) {
		return name
	}
	sum := sha256.Sum256([]byte(object + "\x00" + string(key))) // a key has no zero byte
	return derivedPrefix + hex.EncodeToString(sum[:20])
}

func isPlainID(name string) bool {
	odd := func(r rune) bool { return r == '/' || !unicode.IsPrint(r) }
	return name != "" && name != "." && name != ".." && len(name) <= maxPlainIDBytes &&
		utf8.ValidString(name) && !strings.ContainsFunc(name, odd) && !strings.HasPrefix(name, derivedPrefix)
}

// ExecutionName is the name of the execution of a message's row, by when the row was put. Step
// Functions keeps a name for 90 days (StartExecution), and a row expires before: the row of a
// message that comes anew has an execution of its own.
func ExecutionName(messageID string, admittedAtMillis int64) string {
	return SafeName(messageID) + "-" + strconv.FormatInt(admittedAtMillis, 10)
}

// SafeName is the message's id if it can be part of any name (of an execution: 80 characters, no
// wildcards or white space), else a hash of it. No two messages share one: an id that looks like a
// hash is hashed too.
func SafeName(messageID string) string {
	if safeName.MatchString(messageID) && !hashedName.MatchString(messageID) {
		return messageID
	}
	sum := sha256.Sum256([]byte(messageID))
	return "mail-" + hex.EncodeToString(sum[:16])
}

var (
	safeName   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	hashedName = regexp.MustCompile(`^mail-[0-9a-f]{32}$`)
)
