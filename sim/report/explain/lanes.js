// Where the lanes are, from the top: the axis, the nodes, then the clients, which get less.
(() => {
  'use strict';

  const { data, view } = Explain;
  const axis = 30;
  const nodeWeight = 1.7;

  const lanes = { axis, y: new Float64Array(data.lanes), height: new Float64Array(data.lanes) };

  lanes.isShown = (lane) => !view.hiddenLanes.has(lane);
  lanes.shown = () => [...Array(data.lanes).keys()].filter(lanes.isShown);
  lanes.place = (height) => {
    const shown = lanes.shown();
    const weights = shown.map((lane) => (lane < data.nodes ? nodeWeight : 1));
    const unit = (height - axis) / Math.max(weights.reduce((a, b) => a + b, 0), 1);
    let top = axis;
    shown.forEach((lane, i) => {
      lanes.height[lane] = unit * weights[i];
      lanes.y[lane] = top + lanes.height[lane] / 2;
      top += lanes.height[lane];
    });
  };
  lanes.at = (y) => lanes.shown().find((lane) => Math.abs(y - lanes.y[lane]) <= lanes.height[lane] / 2);
  lanes.bar = (lane) => (lane < data.nodes ? Math.min(10, lanes.height[lane] * 0.3) : Math.min(14, lanes.height[lane] * 0.5));
  Explain.lanes = lanes;
})();
