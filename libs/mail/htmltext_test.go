package mail

import (
	"strings"
	"testing"
	"time"
)

func TestHTMLIsRenderedAsText(t *testing.T) {
	for input, want := range map[string]string{
		"<p>One <i>two</i>\n three</p><p>four</p>":                                        "One two three\n\nfour",
		"<div>one</div><div>two<br></div>three<br><br><br>four":                           "one\ntwo\nthree\n\nfour",
		"<div>one</div><div><br></div><div>&nbsp;</div><div>2</div>":                      "one\n\n2",
		"<b>Note:</b> read <strong>this</strong>, <b></b>please":                          "*Note:* read *this*, please",
		"<h1>Title</h1>text<hr>more":                                                      "Title\n\ntext\n\nmore",
		"<ul><li>one<li> two</ul>end":                                                     "* one\n* two\n\nend",
		"<table><tr><td>a<td>b</tr><tr><th>c</th></tr></table>d":                          "a b\nc\n\nd",
		`see <a href="https://a.example/">the page</a>.`:                                  "see the page ( https://a.example/ ).",
		`<a href="https://a.example/">https://a.example/</a>`:                             "https://a.example/",
		`<a href="mailto:ada@a.example">ada@a.example</a>`:                                "ada@a.example",
		`<a href="#top">up</a> <a name=x>here</a>`:                                        "up here",
		`<a href="https://a.example/"><img src=x alt="Logo"></a>`:                         "Logo ( https://a.example/ )",
		`<a href="https://a.example/">never closed`:                                       "never closed ( https://a.example/ )",
		`<img alt="a picture">text`:                                                       "text",
		"<blockquote>a<p>b<blockquote>c</blockquote></blockquote>d":                       "> a\n>\n> b\n>\n>> c\n\nd",
		"<pre>line one\n  line two\n\n<b>three</b>\n</pre>four":                           "line one\n  line two\n\n*three*\n\nfour",
		"<pre>\n\tindented</pre>":                                                         "\tindented",
		"<title>x</title><style>y{}</style><script>z<p></script>a<!-- b --><![if !mso]>c": "ac",
		"<script/>hidden</script>shown<noscript><img src=x></noscript>":                   "shown",
		"<html><head><meta charset=utf-8></head><body>a &amp; b &lt;c&gt;":                "a & b <c>",
		"no tags at all": "no tags at all",
		"<p></p>":        "",
		"":               "",
	} {
		if got := renderHTML(input); got != want {
			t.Errorf("%s: %q, want %q", input, got, want)
		}
	}
}

func TestDeepHTMLIsReadToTheEnd(t *testing.T) {
	for what, input := range map[string]string{
		"unclosed blocks":  strings.Repeat("<div>line<br>\n", 3000) + "the end",
		"unclosed formats": strings.Repeat("<font><b><a href=x>", 3000) + "the end",
		"quotations":       strings.Repeat("<blockquote><div><p>", 3000) + "the end" + strings.Repeat("</blockquote>", 3000),
		"tables":           strings.Repeat("<table><tr><td>", 3000) + "the end",
	} {
		m, err := Parse([]byte("Content-Type: text/html\n\n"+input), DefaultLimits())
		if err != nil || !strings.Contains(m.Text, "the end") || !m.TextFromHTML {
			t.Errorf("%s: text of %d bytes (%v)", what, len(m.Text), err)
		}
	}
}

func TestRenderingHostileHTMLTakesLinearTime(t *testing.T) {
	for what, input := range map[string]string{
		"quotations": "<blockquote>x", "lines": "<p>x", "bold": "<b>x</b>", "links": "<a href=y>x", "attributes": "<a b='", "comments": "<!--",
		"line ends": "<blockquote><pre>\n\n\n\n", "entities": "&amp", "tags": "<",
	} {
		start := time.Now()
		text := renderHTML(strings.Repeat(input, maxRenderedHTMLBytes/len(input)))
		if took := time.Since(start); took > 10*time.Second || len(text) > 24*maxRenderedHTMLBytes {
			t.Errorf("%s: %v, %d bytes", what, took, len(text))
		}
	}
}
