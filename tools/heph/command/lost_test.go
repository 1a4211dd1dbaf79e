package command

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/tools/heph/screen"
)

func TestAMailWithoutARowWasNotRead(t *testing.T) {
	s, environ := running(t, 0, "")
	id := strings.TrimSpace(heph(t, environ, draft...).out)
	until(t, func() bool { return heph(t, environ, "status", "--message", id).status == ok })
	_, err := client.NewDynamoDB(s.Call).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: aws.String(s.Names().Jobs()), Key: item.Map{"messageId": item.Text(id)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if l, err := whatIsLost(t.Context(), s.Call, s.Names()); err != nil || l.Unread != 1 || l.count() != 1 || l.Mails[0] != id {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestMailsThatAreLostAreNamedUpToSome(t *testing.T) {
	l := lost{AtWork: 1, Waiting: mostNamed, Unread: 2}
	for i := range mostNamed {
		l.Mails = append(l.Mails, fmt.Sprintf("m%d\x1b[2J", i))
	}
	var out bytes.Buffer
	l.tell(screen.New(&out, screen.Never, func(string) string { return "" }))
	for _, want := range []string{"1 at work, 20 waiting, 2 not read", "m0", "m19", "and 3 more\n"} {
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "\x1b") {
			t.Errorf("no %q in %q", want, out.String())
		}
	}
}
