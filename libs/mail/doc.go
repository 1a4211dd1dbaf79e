// Package mail reads the mail that the system works on: bytes in, values out.
//
// [Parse] turns a raw message into a [Message]: who wrote it, its readable text, its attachments
// under safe names, what the receiving service (SES) said about it, what kind of mail it is, and
// notes on everything that had to be repaired or guessed. [Routes] says which project and user a
// message is for, and [ThreadEvidence] with [ResolveThread] which conversation it belongs to.
//
// What it promises:
//
//   - It never panics, and its work is linear in the size of the message: this package splits the tree of parts itself, line
//     by line, under [Limits], and enmime decodes only single parts. (On a whole message, enmime's time doubles with each level
//     of multiparts that are never closed.)
//   - Lenience: a missing final boundary, a missing Content-Type, a wrong charset or broken base64 costs a note, not the message.
//   - If it returns an error, the Message still has what could be read of the headers, so that a person who finds it on the
//     dead letter queue sees who wrote it and about what.
//   - The same bytes give the same Message.
//
// What it does not do: it verifies no signature (it reports what SES found), fetches nothing,
// unpacks no archive, winmail.dat or S/MIME envelope, does not descend into forwarded messages
// (they are attachments), and answers no mail.
package mail
