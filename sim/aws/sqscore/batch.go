package sqscore

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

const (
	maxBatchEntries = 10
	maxEntryIDBytes = 80
)

// checkBatch checks what fails a batch as a whole: its length and the ids of its entries.
func checkBatch(operation string, ids []string) error {
	if len(ids) == 0 {
		return &types.EmptyBatchRequest{
			Message: aws.String(fmt.Sprintf(
				"There should be at least one %sRequestEntry in the request.", operation)),
			ErrorCodeOverride: legacy("EmptyBatchRequest"),
		}
	}
	if len(ids) > maxBatchEntries {
		return &types.TooManyEntriesInBatchRequest{
			Message: aws.String(fmt.Sprintf(
				"Maximum number of entries per request are %d. You have sent %d.", maxBatchEntries, len(ids))),
			ErrorCodeOverride: legacy("TooManyEntriesInBatchRequest"),
		}
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if !alphanumeric(id) || len(id) > maxEntryIDBytes {
			return &types.InvalidBatchEntryId{
				Message: aws.String("A batch entry id can only contain alphanumeric characters, " +
					"hyphens and underscores. It can be at most 80 letters long."),
				ErrorCodeOverride: legacy("InvalidBatchEntryId"),
			}
		}
		if seen[id] {
			return &types.BatchEntryIdsNotDistinct{
				Message:           aws.String(fmt.Sprintf("Id %s repeated.", id)),
				ErrorCodeOverride: legacy("BatchEntryIdsNotDistinct"),
			}
		}
		seen[id] = true
	}
	return nil
}

// failedEntry reports the error of one entry of a batch.
func failedEntry(id *string, err error) types.BatchResultErrorEntry {
	failed := types.BatchResultErrorEntry{Id: id, SenderFault: true, Message: aws.String(err.Error())}
	var api smithy.APIError
	if errors.As(err, &api) {
		failed.Code, failed.Message = aws.String(api.ErrorCode()), aws.String(api.ErrorMessage())
	}
	return failed
}
