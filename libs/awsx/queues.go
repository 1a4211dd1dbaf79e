package awsx

import (
	"fmt"
	"strings"
)

// QueueName is the name of the queue: its URL's last part.
func QueueName(queueURL string) string { return queueURL[strings.LastIndexByte(queueURL, '/')+1:] }

// SiblingQueue is the URL of the named queue in the account and at the endpoint of queueURL. It is
// right for AWS (https://sqs.REGION.amazonaws.com/ACCOUNT/NAME), LocalStack and the local stack,
// because each ends its queue URLs in /ACCOUNT/NAME and nothing else in them depends on the queue.
func SiblingQueue(queueURL, name string) (string, error) {
	slash := strings.LastIndexByte(queueURL, '/')
	if slash < 0 || !strings.Contains(queueURL[:slash], "://") || slash == len(queueURL)-1 {
		return "", fmt.Errorf("queue URL %q: want scheme://host/account/name", queueURL)
	}
	return queueURL[:slash+1] + name, nil
}
