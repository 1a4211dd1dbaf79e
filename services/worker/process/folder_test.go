package process

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestRunsOfAProjectsKeysMakeAndRemoveTheFolderThatTheyShare(t *testing.T) {
	project := filepath.Join(t.TempDir(), "runs", "amelia")
	var both sync.WaitGroup
	for _, user := range []string{"scott", "dana"} {
		both.Go(func() {
			for range 300 {
				key := filepath.Join(project, user)
				if err := makeFolder(filepath.Join(key, "m1-7")); err != nil {
					t.Error(err)
					return
				}
				if err := removeRuns(key); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	both.Wait()
	if _, err := os.Stat(project); !os.IsNotExist(err) {
		t.Errorf("the project's folder is left: %v", err)
	}
}
