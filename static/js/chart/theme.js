/** The design tokens (static/css/tokens.css) that the chart draws with: a canvas cannot read them itself. */
export function chartColors() {
  const style = getComputedStyle(document.documentElement);
  const token = (name) => style.getPropertyValue(name).trim();
  return {
    background: token("--panel"),
    line: token("--line"),
    grid: token("--grid"),
    text: token("--dim"),
    faint: token("--faint"),
    label: token("--raised"),
    accent: token("--accent"),
    hot: token("--hot"),
    up: token("--up"),
    down: token("--down"),
    upDim: token("--up-dim"),
    downDim: token("--down-dim"),
    font: token("--font"),
  };
}

const FONT_SIZE = 11;

/** The font that the chart writes with, as a canvas takes it. */
export function chartFont(colors) {
  return `${FONT_SIZE}px ${colors.font}`;
}

/** Options of the chart that come from the tokens and never change with the data. */
export function chartOptions(colors) {
  const crosshairLine = { color: colors.faint, style: 2, labelBackgroundColor: colors.label, width: 1 };
  return {
    autoSize: true,
    layout: {
      background: { type: "solid", color: colors.background },
      textColor: colors.text,
      fontFamily: colors.font,
      fontSize: FONT_SIZE,
      attributionLogo: true,
      panes: { separatorColor: colors.line, separatorHoverColor: colors.label, enableResize: true },
    },
    grid: { vertLines: { color: colors.grid }, horzLines: { color: colors.grid } },
    crosshair: { mode: 0, vertLine: crosshairLine, horzLine: crosshairLine },
    rightPriceScale: { borderColor: colors.line, minimumWidth: 76, entireTextOnly: true },
    timeScale: {
      borderColor: colors.line,
      shiftVisibleRangeOnNewBar: false,
      allowShiftVisibleRangeOnWhitespaceReplacement: false,
      rightBarStaysOnScroll: true,
      minBarSpacing: 0.5,
      uniformDistribution: true,
    },
  };
}
