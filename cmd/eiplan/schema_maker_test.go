package main

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/planner/report"
)

// schemaMaker turns types into schemas; named structs stand once, under $defs.
type schemaMaker struct {
	enums map[string][]string
	used  map[string]bool // the enums that a field took
	defs  map[string]any
}

func schemaOf(t *testing.T, kind string, spec, status any, used map[string]bool) []byte {
	t.Helper()
	m := schemaMaker{enums: enums(), used: used, defs: map[string]any{}}
	envelope := m.object(reflect.TypeFor[report.Envelope]())
	properties := envelope["properties"].(map[string]any)
	properties["apiVersion"] = map[string]any{"const": report.APIVersion}
	properties["kind"] = map[string]any{"const": kind}
	m.defs["Metadata"].(map[string]any)["properties"].(map[string]any)["generatedAt"] = map[string]any{"type": "string", "format": "date-time"}
	envelope["required"] = []string{"apiVersion", "kind", "metadata"}
	delete(properties, "spec")
	delete(properties, "status")
	if status != nil {
		properties["status"] = m.of(reflect.TypeOf(status))
		envelope["required"] = append(envelope["required"].([]string), "status")
	}
	if spec != nil {
		properties["spec"] = m.of(reflect.TypeOf(spec))
		envelope["required"] = append(envelope["required"].([]string), "spec")
	}
	return m.encode(t, kind, envelope)
}

// schemaOfInput is the schema of a file that users write: its metadata is theirs.
func schemaOfInput(t *testing.T, kind string, spec any, used map[string]bool) []byte {
	t.Helper()
	m := schemaMaker{enums: enums(), used: used, defs: map[string]any{}}
	return m.encode(t, kind, map[string]any{
		"type": "object", "additionalProperties": false, "required": []string{"apiVersion", "kind", "spec"},
		"properties": map[string]any{"apiVersion": map[string]any{"const": report.APIVersion}, "kind": map[string]any{"const": kind}, "metadata": map[string]any{"type": "object"}, "spec": m.of(reflect.TypeOf(spec))},
	})
}

func (m *schemaMaker) encode(t *testing.T, kind string, envelope map[string]any) []byte {
	t.Helper()
	envelope["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	envelope["title"] = kind
	envelope["$defs"] = m.defs
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(envelope); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// of is the schema of what encoding/json writes for a type.
func (m *schemaMaker) of(t reflect.Type) map[string]any {
	switch {
	case t.Kind() == reflect.Pointer:
		return nullable(m.of(t.Elem()))
	case t.Implements(reflect.TypeFor[json.Marshaler]()):
		return map[string]any{"type": "number"} // money
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Interface:
		return map[string]any{}
	case reflect.Slice, reflect.Array:
		return nullable(map[string]any{"type": "array", "items": m.of(t.Elem())})
	case reflect.Map:
		return nullable(map[string]any{"type": "object", "additionalProperties": m.of(t.Elem())})
	case reflect.Struct:
		name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
		if _, ok := m.defs[name]; !ok {
			m.defs[name] = nil // a struct that holds itself refers to itself
			m.defs[name] = m.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + name}
	}
	return map[string]any{"type": "integer"}
}

func nullable(s map[string]any) map[string]any {
	if kind, ok := s["type"].(string); ok {
		s["type"] = []string{kind, "null"}
		return s
	}
	return map[string]any{"anyOf": []any{s, map[string]any{"type": "null"}}}
}

// object is the schema of a struct, with the fields of those that it embeds.
func (m *schemaMaker) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || f.Anonymous && name == "" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		s := m.of(f.Type)
		if words := m.enums[t.Name()+"."+name]; words != nil {
			m.used[t.Name()+"."+name] = true
			list := []any{}
			for _, w := range words {
				list = append(list, w)
			}
			if f.Type.Kind() == reflect.Pointer {
				list = append(list, nil)
			}
			s = map[string]any{"enum": list}
		}
		properties[name] = s
		if !strings.Contains(options, "omit") && !slices.Contains(required, name) {
			required = append(required, name)
		}
	}
	slices.Sort(required)
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}
