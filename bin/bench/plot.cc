#include "bin/bench/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace grassdb::bench {
namespace {

// In pixels: the page, and the margins of a chart around its lines.
constexpr double kWidth = 900;
constexpr double kHeight = 260;
constexpr double kLeft = 70;
constexpr double kRight = 110;
constexpr double kTop = 30;
constexpr double kBottom = 30;
constexpr int kSteps = 5;  // of each axis

struct Series {
  std::string name;
  std::string color;
  std::vector<std::optional<double>> values;  // one for each time; none: a gap
};

// A stretch of time behind the lines.
struct Band {
  double begin = 0;  // seconds
  double end = 0;
  std::string name;
};

struct Chart {
  std::string title;
  std::vector<double> times;  // seconds
  std::vector<Series> series;
  std::optional<Band> band;
};

std::string Escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '<') {
      result += "&lt;";
    } else if (c == '&') {
      result += "&amp;";
    } else {
      result += c;
    }
  }
  return result;
}

// The next of 1, 2, 5, 10, 20, ... that is not below `value`.
double Rounded(double value) {
  if (value <= 0) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0}) {
    if (value <= step * power) return step * power;
  }
  return 10 * power;
}

std::string Draw(const Chart& chart) {
  double top = 0;
  for (const Series& series : chart.series) {
    for (const auto& value : series.values) top = std::max(top, value.value_or(0));
  }
  top = Rounded(top);
  const double last = chart.times.empty() ? 1 : chart.times.back();
  const auto x = [&](double time) { return kLeft + time / last * (kWidth - kLeft - kRight); };
  const auto y = [&](double value) {
    return kHeight - kBottom - value / top * (kHeight - kTop - kBottom);
  };
  std::string svg = fmt::format(
      "<svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\">\n"
      "<text x=\"{2}\" y=\"18\" font-weight=\"bold\">{3}</text>\n",
      kWidth, kHeight, kLeft, Escaped(chart.title));
  for (int i = 0; i <= kSteps; ++i) {
    const double value = top * i / kSteps;
    const double time = last * i / kSteps;
    svg += fmt::format(
        "<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{2:.1f}\" y2=\"{1:.1f}\" stroke=\"#ddd\"/>"
        "<text x=\"{3:.1f}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:g}</text>"
        "<text x=\"{6:.1f}\" y=\"{7:.1f}\" text-anchor=\"middle\">{8:.3g} s</text>\n",
        kLeft, y(value), kWidth - kRight, kLeft - 6, y(value) + 4, value, x(time), kHeight - 10,
        time);
  }
  if (chart.band.has_value()) {
    const double begin = x(std::min(chart.band->begin, last));
    const double end = x(std::min(chart.band->end, last));
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"#c0392b\" "
        "fill-opacity=\"0.15\"><title>{}</title></rect>\n",
        begin, kTop, std::max(end - begin, 1.0), kHeight - kTop - kBottom,
        Escaped(chart.band->name));
  }
  double label = kTop + 10;
  for (const Series& series : chart.series) {
    std::vector<std::string> runs = {""};  // of points without a gap
    for (std::size_t i = 0; i < series.values.size(); ++i) {
      if (series.values[i].has_value()) {
        runs.back() += fmt::format("{:.1f},{:.1f} ", x(chart.times[i]), y(*series.values[i]));
      } else if (!runs.back().empty()) {
        runs.emplace_back();
      }
    }
    for (std::string& points : runs) {
      if (points.empty()) continue;
      // Twice, and with round ends, a point between two gaps is seen.
      if (std::ranges::count(points, ',') == 1) points += points;
      svg += fmt::format(
          "<polyline fill=\"none\" stroke=\"{0}\" stroke-width=\"2\" stroke-linecap=\"round\" "
          "points=\"{1}\"/>\n",
          series.color, points);
    }
    svg += fmt::format("<text x=\"{0:.1f}\" y=\"{1:.1f}\" fill=\"{2}\">{3}</text>\n",
                       kWidth - kRight + 10, label, series.color, Escaped(series.name));
    label += 18;
  }
  return svg + "</svg>\n";
}

}  // namespace

std::string PlotOf(const RunReport& run) {
  Chart throughput{.title = "throughput, ops/s",
                   .times = {},
                   .series = {{"completed", "#1b6ca8", {}}, {"failed", "#c0392b", {}}},
                   .band = {}};
  Chart latency{
      .title = "latency, ms",
      .times = {},
      .series = {{"p50", "#2e8b57", {}}, {"p99", "#e08e0b", {}}, {"p99.9", "#8e44ad", {}}},
      .band = {}};
  const auto milliseconds = [](Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
  };
  const auto or_gap = [&](const std::optional<Duration>& duration) {
    return duration.has_value() ? std::optional(milliseconds(*duration)) : std::nullopt;
  };
  for (const Point& point : run.measured.timeline) {
    if (point.length <= Duration::zero()) continue;
    const double seconds = std::chrono::duration<double>(point.length).count();
    const double end = std::chrono::duration<double>(point.end).count();
    throughput.times.push_back(end);
    latency.times.push_back(end);
    throughput.series[0].values.push_back(static_cast<double>(point.completed) / seconds);
    throughput.series[1].values.push_back(static_cast<double>(point.failed) / seconds);
    latency.series[0].values.push_back(or_gap(point.p50));
    latency.series[1].values.push_back(or_gap(point.p99));
    latency.series[2].values.push_back(or_gap(point.p999));
  }
  const double pause_begin = std::chrono::duration<double>(run.measured.pause_begin).count();
  const double pause = std::chrono::duration<double>(run.measured.longest_pause).count();
  const std::string pause_name =
      fmt::format("longest pause without a success: {:.1f} ms, from {:.3f} s on",
                  milliseconds(run.measured.longest_pause), pause_begin);
  throughput.band = Band{.begin = pause_begin, .end = pause_begin + pause, .name = pause_name};
  latency.band = throughput.band;
  const std::string title =
      fmt::format("grass-bench: {} {}, {} client{}", Escaped(run.protocol),
                  NameOf(run.workload.workload), run.clients, run.clients == 1 ? "" : "s");
  return fmt::format(
      "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{0}</title>\n"
      "<style>body{{font-family:sans-serif;margin:2em}}svg{{display:block;font-size:12px}}"
      "pre{{white-space:pre-wrap}}</style></head><body>\n<h1>{0}</h1>\n<p>{1} (the band)</p>\n"
      "{2}{3}<pre>{4}</pre>\n</body></html>\n",
      title, Escaped(pause_name), Draw(throughput), Draw(latency), Escaped(TextOf(run)));
}

}  // namespace grassdb::bench
