// Package ddbcore is DynamoDB as a pure value: Do takes one request of the SDK and the time, and
// returns DynamoDB's answer. It knows no sockets, goroutines or clocks, so the same core serves the
// simulation and the local stack.
//
// # What it promises
//
// An answer is what DynamoDB would answer, errors included: the SDK's typed error if there is one,
// else a *smithy.GenericAPIError with DynamoDB's code and text. Modelled are
//
//   - tables with global and local secondary indexes, ACTIVE from their creation;
//   - Get, Put, Update and Delete with conditions, all return values, and the whole expression language, whose rules
//     are those of the Developer Guide's pages Expressions.* and of the errors AWS was seen to answer with;
//   - Query and Scan with filters, projections, pages by limit and by 1 MB; batches; transactions with cancellation
//     reasons and ten minutes of idempotence by ClientRequestToken;
//   - exact decimal numbers of 38 digits, item sizes and the limits on keys, items, expressions and nesting;
//   - time to live: Expired lists what may go, DeleteExpired deletes it if it is still expired. The caller chooses
//     when, as DynamoDB promises no time either;
//   - eventually consistent reads: Options.Choose may let one return the version before the latest, per item and for
//     any age. So may a read of an index: it may find an item at its old place, or not yet at its new one.
//
// # What it refuses
//
// An input type that it does not know is an UnknownOperationException (so PartiQL, streams,
// backups, UpdateTable, tags). A parameter that would change the answer and is not modelled is a
// ValidationException that names it: Expected, AttributeUpdates, ConditionalOperator,
// AttributesToGet, KeyConditions, QueryFilter, ScanFilter, parallel scans, ReturnConsumedCapacity,
// ReturnItemCollectionMetrics, streams, encryption, replicas, and parentheses around a single
// operand.
//
// # What never happens here
//
// Throttling, conflicts of transactions, unprocessed writes of a batch, lost answers and internal
// errors: a test that wants them puts them between the caller and the core. Calls are serial by
// contract, so nothing is ever half done.
//
// # How it works
//
// Stored items are never changed. An update makes a new map that shares all values it does not
// touch, so an old version costs nothing to keep and a write costs the same in a table of ten items
// and of ten million. Parsed expressions are cached by their text; what their placeholders stand
// for is resolved in each request.
package ddbcore
