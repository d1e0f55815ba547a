// Command draw draws what a dashboard shows, as an SVG: it reads a picture as
// JSON from standard input, and writes the file that it is told.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/color"
	"os"
	"regexp"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A picture is panels on a grid of 24 columns.
type picture struct {
	Panels []panel
}

// A panel is one of a dashboard and what it shows.
type panel struct {
	Title, Kind, Unit, Text string // of a panel without data the text
	X, Y, W, H              int
	Stack                   bool
	Series                  []series
	Columns                 []string
	Rows                    [][]string
}

// A series is a line, or with one point a bar.
type series struct {
	Name   string
	Points []point
}

// A point is seconds since 1970 and a value.
type point struct{ X, Y float64 }

// Sizes of the grid as Grafana has them, in points.
const (
	column = vg.Length(48)
	row    = vg.Length(28)
	gap    = vg.Length(6)
)

// Readable on any page, as all is drawn on a ground of its own.
var (
	ground = color.NRGBA{0xf4, 0xf5, 0xf7, 0xff}
	card   = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	edge   = color.NRGBA{0xd5, 0xd9, 0xe0, 0xff}
	ink    = color.NRGBA{0x24, 0x29, 0x2e, 0xff}
	pale   = color.NRGBA{0x6a, 0x73, 0x7d, 0xff}
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "draw:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: draw FILE.svg < picture.json")
	}
	var p picture
	if err := json.NewDecoder(os.Stdin).Decode(&p); err != nil {
		return err
	}
	var svg bytes.Buffer
	if _, err := p.draw().WriteTo(&svg); err != nil {
		return err
	}
	return os.WriteFile(args[0], tooExact.ReplaceAll([]byte(shorter.Replace(svg.String())), []byte("$1")), 0o644)
}

// tooExact are coordinates with more than one digit behind the point.
var tooExact = regexp.MustCompile(`(\d\.\d)\d+`)

// shorter says only once which font it is, or what is like it, and leaves out
// what goes without saying.
var shorter = strings.NewReplacer(
	"<svg ", `<svg font-family="Liberation Sans,Arial,sans-serif" `,
	"font-family:Liberation Sans;", "", "font-variant:normal;", "", "font-style:normal;", "", "font-weight:normal;", "", "\n\tstyle=", " style=",
)

// draw draws all panels.
func (p *picture) draw() *vgsvg.Canvas {
	rows := 0
	for _, panel := range p.Panels {
		rows = max(rows, panel.Y+panel.H)
	}
	canvas := vgsvg.New(24*column, vg.Length(rows)*row)
	all := draw.New(canvas)
	fill(all, ground)
	for i := range p.Panels {
		panel := &p.Panels[i]
		left, top := vg.Length(panel.X)*column, vg.Length(panel.Y)*row
		right, bottom := left+vg.Length(panel.W)*column, top+vg.Length(panel.H)*row
		panel.draw(draw.Crop(all, left+gap/2, right-all.Max.X-gap/2, all.Max.Y-bottom+gap/2, -top-gap/2))
	}
	return canvas
}

// draw draws the title, and below it what the panel shows.
func (p *panel) draw(c draw.Canvas) {
	if p.Kind == "row" {
		write(c, p.Title, 13, ink, font.Font{Weight: 2}, c.Min.X+4, c.Min.Y+8)
		return
	}
	fill(c, card)
	c.StrokeLines(draw.LineStyle{Color: edge, Width: 1}, outline(c))
	write(c, p.Title, 11, ink, font.Font{Weight: 2}, c.Min.X+8, c.Max.Y-16)
	inside := draw.Crop(c, 8, -8, 6, -24)
	switch {
	case len(p.Series) == 0 && len(p.Rows) == 0:
		write(inside, p.Text, 12, pale, font.Font{}, inside.Min.X, (inside.Min.Y+inside.Max.Y)/2)
	case p.Kind == "timeseries":
		p.lines(inside)
	case p.Kind == "bargauge":
		p.bars(inside)
	case p.Kind == "table":
		p.table(inside)
	default:
		size := 26.0
		if len(p.Series[0].Name) > 9 {
			size = 16
		}
		write(inside, p.Series[0].Name, size, ink, font.Font{Weight: 2}, inside.Min.X, inside.Min.Y+18)
	}
}

func fill(c draw.Canvas, with color.Color) { c.FillPolygon(with, outline(c)) }

func outline(c draw.Canvas) []vg.Point {
	return []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}, c.Min}
}
