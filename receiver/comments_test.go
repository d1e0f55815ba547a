package receiver

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// comments are those of types ("Config") and fields ("Config.RootPath"), without
// the names that they begin with.
type comments map[string]string

// readComments reads those of this package.
func readComments(t *testing.T) comments {
	all := make(comments)
	maps.Copy(all, collectors)
	//nolint:staticcheck // deprecated for lack of build tags, which these files have none of
	packages, err := parser.ParseDir(token.NewFileSet(), ".", func(f fs.FileInfo) bool {
		return !strings.HasSuffix(f.Name(), "_test.go")
	}, parser.ParseComments)
	require.NoError(t, err)
	for _, file := range packages["receiver"].Files {
		for _, d := range file.Decls {
			if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.TYPE {
				all.add(d)
			}
		}
	}
	return all
}

func (c comments) add(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		spec := spec.(*ast.TypeSpec)
		c[spec.Name.Name] = d.Doc.Text()
		of, ok := spec.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range of.Fields.List {
			for _, name := range f.Names {
				c[spec.Name.Name+"."+name.Name] = f.Doc.Text()
			}
		}
	}
}

// meaning is the comment of a type or a field without its name.
func (c comments) meaning(of string) string {
	text := strings.Join(strings.Fields(c[of]), " ")
	name := of[strings.LastIndex(of, ".")+1:]
	for _, begin := range []string{"A " + name, "An " + name, name} {
		if rest, ok := strings.CutPrefix(text, begin+" "); ok {
			text = rest
			break
		}
	}
	for _, verb := range []string{"is ", "are ", "Says ", "says ", "say "} {
		text = strings.TrimPrefix(text, verb)
	}
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func (c comments) field(of, name string) string { return c.meaning(of + "." + name) }

// collectors are the comments of structs that the collector defines, in our words.
var collectors = comments{
	"ControllerConfig.CollectionInterval": "How often the counters are read.",
	"ControllerConfig.InitialDelay":       "How long after the start they are read first.",
	"ControllerConfig.Timeout":            "How long the exporters may take to accept one collection; 0 is without limit.",
	"BackOffConfig":                       "What happens to a batch that the pipeline refuses, but not for good.",
	"BackOffConfig.Enabled":               "Whether it is given to the pipeline again.",
	"BackOffConfig.InitialInterval":       "How long after it was refused.",
	"BackOffConfig.RandomizationFactor":   "The part of that time which is left to chance, from 0 to 1.",
	"BackOffConfig.Multiplier":            "By how much the time grows with each further try.",
	"BackOffConfig.MaxInterval":           "Up to how long.",
	"BackOffConfig.MaxElapsedTime":        "After which time the batch is given up; 0 is never.",
}
