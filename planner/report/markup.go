package report

import (
	"html"
	"strings"
)

// markup is HTML or SVG that stands on a page as it is: constants, files of this package and what a writer made. A text is a string; only a writer makes
// markup of it, and escapes it.
type markup string

// attribute is one of an element. Its value is a text.
type attribute struct {
	name  markup
	value string
}

type attributes []attribute

// class is the attribute of that name, left out where it is empty.
func class(names string) attributes {
	if names == "" {
		return nil
	}
	return attributes{{"class", names}}
}

// A writer makes markup out of elements and escaped texts.
type writer struct{ made strings.Builder }

func (w *writer) markup() markup { return markup(w.made.String()) }

// raw writes markup as it is.
func (w *writer) raw(m markup) { w.made.WriteString(string(m)) }

// escape writes a text.
func (w *writer) escape(text string) { w.made.WriteString(html.EscapeString(text)) }

// open begins an element.
func (w *writer) open(tag markup, lists ...attributes) {
	w.tag(tag, lists)
	w.raw(">")
}

func (w *writer) close(tag markup) { w.raw("</" + tag + ">") }

// shape is an element of SVG without content.
func (w *writer) shape(tag markup, lists ...attributes) {
	w.tag(tag, lists)
	w.raw("/>")
}

// element is one with a text in it.
func (w *writer) element(tag markup, text string, lists ...attributes) {
	w.open(tag, lists...)
	w.escape(text)
	w.close(tag)
}

func (w *writer) tag(tag markup, lists []attributes) {
	w.raw("<" + tag)
	for _, list := range lists {
		for _, a := range list {
			w.raw(" " + a.name + `="`)
			w.escape(a.value)
			w.raw(`"`)
		}
	}
}
