/** The trade every failure detector makes, as a picture: detection time against false alarms, both logarithmic. */
import { escapeXml } from './plot-axis.ts';
import { type Frame, legendSvg, type Plot, type PlotSeries, panelSvg } from './plot-panel.ts';

export type { Plot, PlotSeries } from './plot-panel.ts';

const FRAME: Frame = { left: 72, right: 690, top: 52, bottom: 494 };
const WIDTH = 920;
const HEIGHT = 560;

/** The plot as an SVG document. */
export function plotSvg(plot: Plot): string {
  const { left, right, top, bottom } = FRAME;
  const look = lookOf(plot.series);
  return documentSvg(WIDTH, HEIGHT, [
    `<text x="${left}" y="28" font-size="16" font-weight="bold">${escapeXml(plot.title)}</text>`,
    ...panelSvg(plot, FRAME, 'area', look),
    ...plot.series.map((one, nth) => legendSvg(one, right + 18, top + 10 + 22 * nth, look(one.name))),
    `<text x="${(left + right) / 2}" y="${bottom + 42}" text-anchor="middle">${X_TITLE}</text>`,
    `<text transform="translate(20 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${Y_TITLE}</text>`,
  ]);
}

const X_TITLE = 'false alarms per device and year';
const Y_TITLE = 'expected detection time, intervals';

const COLUMNS = 4;
const PANEL_WIDTH = 300;
const PANEL_HEIGHT = 260;
/** Above the panels: the title and the legend. */
const HEAD_HEIGHT = 100;
const LEGEND_WIDTH = 190;

/** Several plots side by side under one legend: a series has the same look in all of them. */
export function plotGridSvg(title: string, plots: readonly Plot[]): string {
  const series = [...new Map(plots.flatMap((plot) => plot.series).map((one) => [one.name, one])).values()];
  const look = lookOf(series);
  const width = COLUMNS * PANEL_WIDTH + 20;
  const perLine = Math.floor((width - 20) / LEGEND_WIDTH);
  const body = plots.flatMap((plot, nth) => {
    const left = 60 + PANEL_WIDTH * (nth % COLUMNS);
    const top = HEAD_HEIGHT + 30 + PANEL_HEIGHT * Math.floor(nth / COLUMNS);
    const frame = { left, right: left + PANEL_WIDTH - 60, top, bottom: top + PANEL_HEIGHT - 70 };
    return [
      `<text x="${left}" y="${top - 8}" font-weight="bold">${escapeXml(plot.title)}</text>`,
      ...panelSvg(plot, frame, `area-${nth}`, look),
    ];
  });
  return documentSvg(width, HEAD_HEIGHT + PANEL_HEIGHT * Math.ceil(plots.length / COLUMNS) + 20, [
    `<text x="20" y="28" font-size="16" font-weight="bold">${escapeXml(title)}</text>`,
    `<text x="20" y="48">across: ${X_TITLE}; upwards: ${Y_TITLE}</text>`,
    ...series.map((one, nth) =>
      legendSvg(
        one,
        20 + LEGEND_WIDTH * (nth % perLine),
        72 + 22 * Math.floor(nth / perLine),
        look(one.name),
      ),
    ),
    ...body,
  ]);
}

/** Which colour and shape a series has, by its name. */
function lookOf(series: readonly PlotSeries[]): (name: string) => number {
  const names = series.map(({ name }) => name);
  return (name) => names.indexOf(name);
}

function documentSvg(width: number, height: number, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"` +
      ' font-family="system-ui, sans-serif" font-size="12" fill="#222">',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}
