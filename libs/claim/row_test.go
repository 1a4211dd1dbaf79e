package claim_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/sim/simtest"
)

func TestEveryFieldOfARowIsWrittenAndRead(t *testing.T) {
	row := simtest.Filled[claim.Row](t)
	if got, err := claim.ParseRow(row.Item()); err != nil || !reflect.DeepEqual(*got, row) {
		t.Errorf("a claim came back as %+v (%v), want %+v", got, err, row)
	}
	j := simtest.Filled[claim.Job](t)
	if got, err := claim.ParseJob(j.Item()); err != nil || !reflect.DeepEqual(*got, j) {
		t.Errorf("a job came back as %+v (%v), want %+v", got, err, j)
	}
}

func TestARowThatIsNotThereIsNil(t *testing.T) {
	if row, err := claim.ParseRow(nil); row != nil || err != nil {
		t.Errorf("%+v, %v", row, err)
	}
	if j, err := claim.ParseJob(nil); j != nil || err != nil {
		t.Errorf("%+v, %v", j, err)
	}
}

func TestAWrongAttributeIsAnErrorThatNamesItAndItsRow(t *testing.T) {
	row := simtest.Filled[claim.Row](t)
	row.Key = simtest.Key
	wrong := row.Item()
	wrong["fence"] = item.Text("7")
	if _, err := claim.ParseRow(wrong); err == nil || !strings.Contains(err.Error(), `claim row "amelia#scott": attribute fence: want type N, got S`) {
		t.Errorf("error %v", err)
	}
	j := claim.Job{MessageID: "m1"}
	wrong = j.Item()
	wrong["interruptedBy"] = item.Text("m2")
	if _, err := claim.ParseJob(wrong); err == nil || !strings.Contains(err.Error(), `job row "m1": attribute interruptedBy: want type M, got S`) {
		t.Errorf("error %v", err)
	}
}
