// The products, drawn.

const path = (d, color, width = 6) => ["path", { d, fill: "none", stroke: color, "stroke-width": width, "stroke-linecap": "round", "stroke-linejoin": "round" }];
const box = (x, y, width, height, rx, fill) => ["rect", { x, y, width, height, rx, fill }];
const disc = (cx, cy, r, fill) => ["circle", { cx, cy, r, fill }];

const [PINE, AMBER, SAND, DARK, SKY, ROSE, MOSS] = ["#1f3a34", "#e2793f", "#f6e7d2", "#3b2a22", "#8fb3c9", "#cf7f76", "#7d9a72"];

export const DRAWINGS = {
  "AUR-1": { ground: "#f3e3cf", shapes: [path("M32 70v-6a28 28 0 0156 0v6", PINE, 7), box(25, 64, 16, 32, 8, AMBER), box(79, 64, 16, 32, 8, AMBER)] },
  "LYR-2": { ground: "#dde7e4", shapes: [box(30, 62, 60, 34, 17, SAND), path("M30 74h60", "#c8b79c", 2), disc(46, 42, 10, PINE), box(43, 48, 6, 18, 3, PINE), disc(74, 42, 10, PINE), box(71, 48, 6, 18, 3, PINE)] },
  "NIM-3": { ground: "#e6dcea", shapes: [box(24, 42, 72, 44, 22, "#5b4b78"), disc(46, 64, 13, "#443660"), disc(74, 64, 13, "#443660"), disc(46, 64, 5, SAND), disc(74, 64, 5, SAND), path("M48 42c0-16 24-16 24 0", "#5b4b78", 5)] },
  "SOL-4": { ground: "#eadfce", shapes: [box(20, 34, 80, 56, 6, "#9b6a43"), disc(52, 62, 24, DARK), disc(52, 62, 9, AMBER), disc(52, 62, 2, SAND), path("M88 42v22l-16 12", SAND, 4)] },
  "PAD-5": { ground: "#f0e0da", shapes: [disc(46, 60, 24, DARK), disc(46, 60, 12, "#f0e0da"), disc(78, 64, 22, "#6b5145"), disc(78, 64, 11, "#f0e0da")] },
  "CBL-6": { ground: "#dfe8ee", shapes: [path("M36 88c-18-30 20-44 24-22s-22 14-8-10 30-10 34-28", AMBER, 5), box(81, 20, 10, 14, 3, PINE), box(31, 84, 10, 14, 3, PINE)] },
  "STD-7": { ground: "#efe6d4", shapes: [box(36, 90, 48, 8, 4, "#9b6a43"), box(56, 40, 8, 52, 2, "#b98558"), path("M42 44c4-14 32-14 36 0", "#9b6a43", 8)] },
  "MIC-8": { ground: "#dfe5dc", shapes: [box(48, 26, 24, 42, 12, PINE), path("M54 36h12M54 44h12M54 52h12", MOSS, 2), path("M40 56c0 26 40 26 40 0", PINE, 4), box(57, 78, 6, 14, 2, PINE), box(42, 90, 36, 6, 3, PINE)] },
  "BAR-9": { ground: "#dde3ea", shapes: [box(26, 28, 68, 40, 4, "#31424f"), box(30, 32, 60, 32, 2, SKY), box(18, 78, 84, 14, 7, PINE), path("M28 85h64", MOSS, 2)] },
  "DAC-10": { ground: "#ece2d2", shapes: [box(22, 46, 76, 36, 6, "#31424f"), disc(78, 64, 11, AMBER), path("M78 64l6-6", SAND, 3), disc(38, 64, 5, DARK), disc(54, 64, 5, DARK)] },
  "CAS-11": { ground: "#e2e7db", shapes: [box(24, 36, 72, 54, 26, MOSS), path("M24 62h72", "#5f7a55", 3), box(54, 58, 12, 8, 3, SAND)] },
  "CHG-12": { ground: "#f2dfdb", shapes: [["ellipse", { cx: 60, cy: 78, rx: 38, ry: 14, fill: ROSE }], ["ellipse", { cx: 60, cy: 73, rx: 38, ry: 14, fill: "#e3a39b" }], box(44, 30, 30, 42, 6, DARK), path("M61 42l-6 10h8l-6 10", SAND, 3)] },
};
