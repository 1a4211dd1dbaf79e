package mail

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

func benchmarkParse(b *testing.B, raw string) {
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse([]byte(raw), DefaultLimits()); err != nil {
			b.Fatal(err)
		}
	}
}

const benchHead = "Return-Path: <scott@sender.example>\r\nReceived: from mx.sender.example by inbound-smtp.eu-west-1.amazonaws.com with SMTP id 1 for scott@amelia.example.com; Mon, 02 Nov 2026 09:30:00 +0000 (UTC)\r\n" +
	"X-SES-Spam-Verdict: PASS\r\nX-SES-Virus-Verdict: PASS\r\nAuthentication-Results: amazonses.com; spf=pass; dkim=pass header.i=@sender.example; dmarc=pass\r\n" +
	"From: Scott <scott@sender.example>\r\nTo: scott@amelia.example.com\r\nSubject: =?UTF-8?Q?Caf=C3=A9?=\r\nDate: Mon, 2 Nov 2026 10:30:00 +0100\r\n" +
	"Message-ID: <1@sender.example>\r\nIn-Reply-To: <0@sender.example>\r\nReferences: <0@sender.example>\r\n"

// BenchmarkParseTypical parses 5 KB with alternatives in quoted-printable.
func BenchmarkParseTypical(b *testing.B) {
	benchmarkParse(b, benchHead+"Content-Type: multipart/alternative; boundary=b\r\n\r\n"+
		"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"+strings.Repeat("Please fix the caf=C3=A9 build, it is red.\r\n", 35)+
		"\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"+strings.Repeat("<p>Please fix the caf=C3=A9 build, it is red.</p>\r\n", 45)+"\r\n--b--\r\n")
}

// BenchmarkParseAttachment parses 1 MB, nearly all of it one attachment in base64.
func BenchmarkParseAttachment(b *testing.B) {
	encoded := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("some bytes of a file "), 37_000))
	var lines strings.Builder
	for len(encoded) > 76 {
		lines.WriteString(encoded[:76] + "\r\n")
		encoded = encoded[76:]
	}
	benchmarkParse(b, benchHead+"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee the file.\r\n"+
		"--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=data.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n"+
		lines.String()+encoded+"\r\n--b--\r\n")
}

// BenchmarkParseWorst parses the most parts and boundaries that the limits allow.
func BenchmarkParseWorst(b *testing.B) {
	benchmarkParse(b, siblings(DefaultLimits().MaxParts-1))
}
