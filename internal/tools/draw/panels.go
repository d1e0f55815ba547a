package main

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// lines draws a line for each series, and below them their names.
func (p *panel) lines(c draw.Canvas) {
	const perLine = 14
	names, count := p.legend(c)
	legend := vg.Length(perLine * count)
	chart := plot.New()
	chart.BackgroundColor = nil
	chart.X.Tick.Marker = plot.TimeTicks{Format: "15:04:05", Time: plot.UTCUnixTime}
	chart.Y.Tick.Marker = ticks{p.Unit}
	chart.Y.Min = 0
	for _, axis := range []*plot.Axis{&chart.X, &chart.Y} {
		axis.Color, axis.Tick.Color = edge, edge
		axis.Tick.Label.Color = pale
		axis.Tick.Label.Font = sized(9, font.Font{})
		axis.Padding = 0
	}
	below := make([]float64, len(p.Series[0].Points))
	var drawn []plot.Plotter
	for i, s := range p.Series {
		line, err := plotter.NewLine(p.at(s, below))
		if err != nil {
			continue // without points
		}
		line.Color, line.Width = s.hue(i), 1.2
		drawn = append(drawn, line)
	}
	slices.Reverse(drawn) // what is stacked on nothing must not be hidden by what is 0
	chart.Add(drawn...)
	if chart.Y.Max <= chart.Y.Min {
		chart.Y.Max = chart.Y.Min + 1
	}
	chart.Draw(draw.Crop(c, 0, 0, legend, 0))
	for i, s := range p.Series {
		x, y := names[i].x, c.Min.Y+legend-vg.Length(perLine*(names[i].line+1))+3
		c.StrokeLine2(draw.LineStyle{Color: s.hue(i), Width: 3}, x, y+3, x+10, y+3)
		write(c, s.Name, 9, ink, font.Font{}, x+14, y)
	}
}

// at are the points of a series, on top of those below it if they are stacked.
func (p *panel) at(s series, below []float64) plotter.XYs {
	points := make(plotter.XYs, len(s.Points))
	for i, at := range s.Points {
		if p.Stack && i < len(below) {
			below[i] += at.Y
			at.Y = below[i]
		}
		points[i] = plotter.XY(at)
	}
	return points
}

// A place is where the name of a series begins: in which line below the chart.
type place struct {
	x    vg.Length
	line int
}

// legend places the names of the series below one another where they have no room.
func (p *panel) legend(c draw.Canvas) (places []place, lines int) {
	x := c.Min.X
	for _, s := range p.Series {
		width := vg.Length(22) + vg.Length(len(s.Name))*5
		if x+width > c.Max.X && x > c.Min.X {
			x = c.Min.X
			lines++
		}
		places = append(places, place{x, lines})
		x += width
	}
	return places, lines + 1
}

// bars draws a bar for each series, with its name and value.
func (p *panel) bars(c draw.Canvas) {
	most := 0.0
	for _, s := range p.Series {
		most = math.Max(most, s.Points[0].Y)
	}
	height := (c.Max.Y - c.Min.Y) / vg.Length(max(len(p.Series), 6))
	for i, s := range p.Series {
		top := c.Max.Y - vg.Length(i)*height
		write(c, cut(s.Name, (c.Max.X-c.Min.X)*0.8, 9), 9, ink, font.Font{}, c.Min.X, top-10)
		value := text(s.Points[0].Y, p.Unit)
		write(c, value, 9, ink, font.Font{Weight: 2}, c.Max.X-vg.Length(len(value))*6, top-10)
		long := (c.Max.X - c.Min.X) * vg.Length(s.Points[0].Y/math.Max(most, 1))
		c.FillPolygon(s.hue(0), []vg.Point{{X: c.Min.X, Y: top - height + 3}, {X: c.Min.X + long, Y: top - height + 3}, {X: c.Min.X + long, Y: top - 13}, {X: c.Min.X, Y: top - 13}})
	}
}

// table writes as many rows as there is room for.
func (p *panel) table(c draw.Canvas) {
	const line, size = 16, 9
	widths := p.widths(c.Max.X - c.Min.X)
	y := c.Max.Y - line + 4
	p.line(c, p.Columns, widths, y, font.Font{Weight: 2})
	for i, r := range p.Rows {
		y -= line
		if y-line < c.Min.Y && i < len(p.Rows)-1 {
			write(c, fmt.Sprintf("… %d more", len(p.Rows)-i), size, pale, font.Font{}, c.Min.X, y)
			return
		}
		p.line(c, r, widths, y, font.Font{})
	}
}

func (p *panel) line(c draw.Canvas, cells []string, widths []vg.Length, y vg.Length, f font.Font) {
	const size = 9
	x := c.Min.X
	for i, cell := range cells {
		write(c, cut(cell, widths[i]-6, size), size, ink, f, x, y)
		x += widths[i]
	}
}

// widths shares the room among the columns by their longest cells, of which no
// more than some letters count.
func (p *panel) widths(room vg.Length) []vg.Length {
	const most = 45
	widths := make([]vg.Length, len(p.Columns))
	var total vg.Length
	for i, title := range p.Columns {
		letters := len(title)*6/5 + 1
		for _, r := range p.Rows {
			letters = max(letters, min(len(r[i]), most))
		}
		widths[i] = vg.Length(letters + 2)
		total += widths[i]
	}
	for i := range widths {
		widths[i] *= min(room/total, 8)
	}
	return widths
}

// cut shortens what is wider than the room.
func cut(s string, room vg.Length, size float64) string {
	letters := int(float64(room) / (size * 0.56))
	if runes := []rune(s); len(runes) > letters && letters > 1 {
		return string(runes[:letters-1]) + "…"
	}
	return s
}

func write(c draw.Canvas, s string, size float64, with color.Color, f font.Font, x, y vg.Length) {
	style := draw.TextStyle{Color: with, Font: sized(size, f), Handler: plot.DefaultTextHandler}
	c.FillText(style, vg.Point{X: x, Y: y}, s)
}

func sized(size float64, f font.Font) font.Font {
	f.Typeface, f.Variant, f.Size = "Liberation", "Sans", font.Length(size)
	return f
}

// hue is the color of a series: that of what matters is as in the dashboards.
func (s *series) hue(i int) color.Color {
	switch s.Name {
	case "critical", "suspicious", "lost_ring", "degraded":
		return rgb(0xc62828)
	case "refused":
		return rgb(0x8b0000)
	case "high", "lost_batch":
		return rgb(0xe05d0f)
	}
	all := []uint32{
		0x1f77b4, 0xe08a1e, 0x2c8c2c, 0x7e57c2, 0x00a3b4, 0x8c564b, 0xd64fa6, 0x606060, 0x9a9a00, 0x30407f,
	}
	return rgb(all[i%len(all)])
}

func rgb(c uint32) color.Color {
	return color.NRGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 0xff}
}

// ticks writes the numbers of an axis in a unit.
type ticks struct{ unit string }

// Ticks are those that have a number.
func (t ticks) Ticks(least, most float64) (all []plot.Tick) {
	for _, tick := range (plot.DefaultTicks{}).Ticks(least, most) {
		if tick.Label != "" {
			all = append(all, plot.Tick{Value: tick.Value, Label: text(tick.Value, t.unit)})
		}
	}
	return all
}

// text writes a number in one of Grafana's units.
func text(v float64, unit string) string {
	switch unit {
	case "percentunit":
		return number(v*100) + "%"
	case "bytes":
		return number(v/(1<<20)) + " MiB"
	case "s":
		return time.Duration(v * float64(time.Second)).Round(time.Millisecond).String()
	case "ops":
		return number(v) + "/s"
	}
	return number(v)
}

func number(v float64) string {
	if math.Abs(v) >= 100 || v == math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}
