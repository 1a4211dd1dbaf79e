package sfncore_test

// emailFlow is like the project's own flow: Lambda tasks with ResultSelector and ResultPath, a
// Choice loop, a wait for a token with a time-out from the input, a Map, and a queue message that
// waits for its worker's answer.
const emailFlow = `{
  "StartAt": "Check",
  "States": {
    "Check": {
      "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
      "Parameters": {"FunctionName": "check-active-job", "Payload": {"messageId.$": "$.messageId", "attempt.$": "$$.State.RetryCount"}},
      "ResultSelector": {"decision.$": "$.Payload.decision"},
      "ResultPath": "$.check",
      "Retry": [{"ErrorEquals": ["Lambda.ServiceException", "Lambda.TooManyRequestsException"], "IntervalSeconds": 2, "MaxAttempts": 2, "BackoffRate": 2}],
      "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "HandleFailure"}],
      "Next": "Decide"
    },
    "Decide": {
      "Type": "Choice",
      "Choices": [
        {"Variable": "$.check.decision", "StringEquals": "interrupt", "Next": "Interrupt"},
        {"Variable": "$.check.decision", "StringEquals": "proceed", "Next": "Attachments"}
      ],
      "Default": "Superseded"
    },
    "Interrupt": {
      "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
      "Parameters": {"FunctionName": "send-interrupt", "Payload": {"token.$": "$$.Task.Token", "messageId.$": "$.messageId"}},
      "TimeoutSecondsPath": "$.settings.graceSeconds",
      "ResultPath": null,
      "Catch": [{"ErrorEquals": ["States.Timeout"], "ResultPath": null, "Next": "Check"}],
      "Next": "Check"
    },
    "Attachments": {
      "Type": "Map", "ItemsPath": "$.attachments", "MaxConcurrency": 2,
      "ItemSelector": {"key.$": "$$.Map.Item.Value.key", "index.$": "$$.Map.Item.Index", "messageId.$": "$.messageId"},
      "ItemProcessor": {
        "ProcessorConfig": {"Mode": "INLINE"},
        "StartAt": "Attachment",
        "States": {
          "Attachment": {
            "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "process-attachment", "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "End": true
          }
        }
      },
      "ResultPath": "$.media",
      "Next": "Send"
    },
    "Send": {
      "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
      "Parameters": {
        "QueueUrl": "https://queue/work.fifo",
        "MessageGroupId.$": "$.key",
        "MessageDeduplicationId.$": "States.Hash(States.Format('{}/{}', $.key, $.messageId), 'SHA-256')",
        "MessageBody": {"token.$": "$$.Task.Token", "messageId.$": "$.messageId", "execution.$": "$$.Execution.Id", "media.$": "$.media"}
      },
      "TimeoutSecondsPath": "$.settings.workSeconds",
      "ResultPath": "$.work",
      "Catch": [
        {"ErrorEquals": ["PREEMPTED"], "ResultPath": "$.error", "Next": "Interrupted"},
        {"ErrorEquals": ["States.Timeout"], "ResultPath": "$.error", "Next": "HandleTimeout"},
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "HandleFailure"}
      ],
      "Next": "Completed"
    },
    "HandleTimeout": {"Type": "Fail", "Error": "TIMED_OUT", "CausePath": "States.Format('{} waited too long', $.messageId)"},
    "HandleFailure": {"Type": "Fail", "Error": "FAILED", "CausePath": "$.error.Cause"},
    "Interrupted": {"Type": "Pass", "OutputPath": "$.error", "End": true},
    "Superseded": {"Type": "Succeed"},
    "Completed": {"Type": "Succeed"}
  }
}`

const emailInput = `{"messageId":"m-1","key":"amelia#scott","attachments":[{"key":"a/1"},{"key":"a/2"},{"key":"a/3"}],` +
	`"settings":{"graceSeconds":90,"workSeconds":3600}}`
