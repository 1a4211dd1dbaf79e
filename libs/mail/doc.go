// Package mail reads the mail that the system works on: bytes in, values out.
//
// [Parse] turns a raw message into a [Message]: who wrote it, its readable text, its attachments
// under safe names, what the receiving service (SES) said about it, what kind of mail it is, and
// notes on everything that had to be repaired or guessed. [Routes] says which project and user a
// message is for, and [ThreadEvidence] with [ResolveThread] which conversation it belongs to.
//
// What it promises:
//
//   - It never panics, and its work is linear in the size of the message: it splits the tree of parts line by line, under
//     [Limits], and decodes and renders in one pass.
//   - Lenience: a missing final boundary, a missing Content-Type, a wrong charset or broken base64 costs a note, not the message.
//     Charsets are what browsers take their labels for.
//   - An address is what stands in the angle brackets, never what a name, a comment or an encoded word makes look like one.
//   - If it returns an error, the Message still has what could be read of the headers, so that a person who finds it on the
//     dead letter queue sees who wrote it and about what.
//   - The same bytes give the same Message.
//
// What it does not do: it verifies no signature (it reports what SES found), fetches nothing,
// unpacks no archive, winmail.dat or S/MIME envelope, does not descend into forwarded messages
// (they are attachments), and answers no mail.
package mail
