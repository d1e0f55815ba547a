package receiver

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

var (
	codeSpan   = regexp.MustCompile("`[^`]*`")
	quotation  = regexp.MustCompile(`"([^"\n]+)"`)
	configSpan = regexp.MustCompile("`((?:[a-z_.]+::)*[a-z_]+::[a-z_.]+(?:::[a-z_]+)*)[^`]*`")
)

// TestTroubleshootingQuotesWhatIsSaid: each quotation is a message, a reason or a
// cure in the code, each series can be there, and each key is one.
func TestTroubleshootingQuotesWhatIsSaid(t *testing.T) {
	text := troubleshooting(t)
	said := literals(t, "../receiver", "../internal/sensor", "../internal/cure", "../internal/check")
	for _, quote := range quotations(t, text) {
		for part := range strings.SplitSeq(quote, "…") {
			isSaid := slices.ContainsFunc(said, func(literal string) bool { return strings.Contains(literal, part) })
			assert.True(t, isSaid, "nothing says %q", quote)
		}
	}
	assert.Empty(t, readKnownSeries(t).unknown(text))
	conf := confmap.New()
	require.NoError(t, conf.Marshal(newDefaultConfig()))
	keys := configSpan.FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, keys)
	for _, key := range keys {
		assert.True(t, conf.IsSet(key[1]), "there is no key %s", key[1])
	}
}

// TestTroubleshootingHasAllWarnings that the receiver logs.
func TestTroubleshootingHasAllWarnings(t *testing.T) {
	quotes := quotations(t, troubleshooting(t))
	found := 0
	for _, file := range sources(t, ".") {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if ok && (method.Sel.Name == "Warn" || method.Sel.Name == "Error") && stringsIn(call.Args[0]) != nil {
				found++
				assert.True(t, isQuoted(quotes, call.Args[0]), "no word about %q", stringsIn(call.Args[0]))
			}
			return true
		})
	}
	require.Greater(t, found, 5)
}

func troubleshooting(t *testing.T) string {
	text, err := os.ReadFile(filepath.Join("..", "docs", "troubleshooting.md"))
	require.NoError(t, err)
	return string(text)
}

// quotations are what is in quotes, but not in code.
func quotations(t *testing.T, text string) (all []string) {
	for _, q := range quotation.FindAllStringSubmatch(codeSpan.ReplaceAllString(text, ""), -1) {
		all = append(all, q[1])
	}
	require.NotEmpty(t, all)
	return all
}

// isQuoted says whether one of the quotations is the message or its beginning.
func isQuoted(quotes []string, message ast.Expr) bool {
	whole := strings.Join(stringsIn(message), "…")
	return slices.ContainsFunc(quotes, func(q string) bool { return strings.HasPrefix(whole, q) && len(q) > 15 })
}

// literals are all strings in the code of directories.
func literals(t *testing.T, dirs ...string) (all []string) {
	for _, dir := range dirs {
		for _, file := range sources(t, dir) {
			all = append(all, stringsIn(file)...)
		}
	}
	return all
}

// stringsIn are the strings below a node. Those that are added up without
// anything else between are one.
func stringsIn(n ast.Node) (all []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			left, right := stringsIn(n.X), stringsIn(n.Y)
			if endsInText(n.X) && len(right) > 0 && n.Op == token.ADD {
				left[len(left)-1] += right[0]
				right = right[1:]
			}
			all = append(append(all, left...), right...)
			return false
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				all = append(all, text)
			}
		}
		return true
	})
	return all
}

func endsInText(e ast.Expr) bool {
	if sum, ok := e.(*ast.BinaryExpr); ok {
		e = sum.Y
	}
	l, ok := e.(*ast.BasicLit)
	return ok && l.Kind == token.STRING
}

// sources are the files of a package without its tests.
func sources(t *testing.T, dir string) (all []*ast.File) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "bpfel") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		all = append(all, file)
	}
	return all
}
