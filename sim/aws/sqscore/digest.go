package sqscore

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func md5Hex(data []byte) string {
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:])
}

// digestAttributes is the MD5 of message attributes that SQS returns and SDKs check, or nil if
// there are none (SQS Developer Guide, sqs-message-metadata).
func digestAttributes(attrs map[string]types.MessageAttributeValue) *string {
	if len(attrs) == 0 {
		return nil
	}
	const stringTransport, binaryTransport = 1, 2
	var data []byte
	add := func(s []byte) {
		data = binary.BigEndian.AppendUint32(data, uint32(len(s)))
		data = append(data, s...)
	}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		value := attrs[name]
		add([]byte(name))
		add([]byte(aws.ToString(value.DataType)))
		if value.BinaryValue != nil {
			data = append(data, binaryTransport)
			add(value.BinaryValue)
			continue
		}
		data = append(data, stringTransport)
		add([]byte(aws.ToString(value.StringValue)))
	}
	return aws.String(md5Hex(data))
}
