import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * A picture of a step: left, each operation under the roofs of the GPU; right, where its time goes,
 * and what was measured.
 */
final class Roofline {
  /**
   * An operation, all its calls together.
   *
   * @param intensity FLOPs for each byte that must cross the memory bus
   * @param teraflops at the predicted time
   * @param micros predicted, of all calls
   * @param measured microseconds of all calls, if known
   */
  record Point(
      String label,
      double intensity,
      double teraflops,
      double micros,
      Prediction.Limit limit,
      OptionalDouble measured) {}

  private static final int WIDTH = 1280;
  private static final int HEIGHT = 640;
  private static final int TOP = 84;
  private static final int BOTTOM = 572;
  private static final int LEFT = 66;
  private static final int RIGHT = 596;
  private static final int BARS = 900;
  private static final int BARS_END = 1168;
  private static final double LEAST_X = 0.1;
  private static final double MOST_X = 3000;
  private static final double LEAST_Y = 0.1;
  private static final double MOST_Y = 2000;
  private static final int ROWS = 19;
  private static final int ROW = 25;

  /** Where a number may stand beside the middle of its circle, nearest first. */
  private static final List<double[]> OFFSETS = offsets();

  private static List<double[]> offsets() {
    List<double[]> all = new ArrayList<>();
    for (int x = -5; x <= 5; x++) {
      for (int y = -6; y <= 6; y++) {
        all.add(new double[] {x * 14, y * 11});
      }
    }
    all.sort(Comparator.comparingDouble(each -> Math.hypot(each[0], each[1])));
    return all;
  }

  private final StringBuilder svg = new StringBuilder();
  private final GpuRates gpu;

  private Roofline(GpuRates gpu) {
    this.gpu = gpu;
  }

  /** The points are in the order of their time, the longest first. */
  static String svg(String title, String subtitle, GpuRates gpu, List<Point> points) {
    return new Roofline(gpu).draw(title, subtitle, points);
  }

  private static String color(Prediction.Limit limit) {
    return switch (limit) {
      case MEMORY -> "#2f6fde";
      case L2 -> "#4fb3d9";
      case TENSOR -> "#e0632e";
      case SPECIAL -> "#c99a06";
      case ISSUE -> "#8a4fcf";
      case SHARED -> "#2a9d6f";
    };
  }

  private static double x(double intensity) {
    double clamped = Math.clamp(intensity, LEAST_X, MOST_X);
    return LEFT + (RIGHT - LEFT) * Math.log(clamped / LEAST_X) / Math.log(MOST_X / LEAST_X);
  }

  private static double y(double teraflops) {
    double clamped = Math.clamp(teraflops, LEAST_Y, MOST_Y);
    return BOTTOM - (BOTTOM - TOP) * Math.log(clamped / LEAST_Y) / Math.log(MOST_Y / LEAST_Y);
  }

  private void add(String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;");
  }

  private String draw(String title, String subtitle, List<Point> points) {
    add(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"system-ui, 'DejaVu Sans', sans-serif\" font-size=\"12\">",
        WIDTH, HEIGHT);
    add("<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>", WIDTH, HEIGHT);
    add(
        "<text x=\"%d\" y=\"30\" font-size=\"19\" font-weight=\"600\" fill=\"#1c2430\">%s</text>",
        LEFT - 36, escaped(title));
    add("<text x=\"%d\" y=\"52\" fill=\"#5c6675\">%s</text>", LEFT - 36, escaped(subtitle));
    axes();
    roofs();
    points(points);
    bars(points);
    legend(points);
    add("</svg>");
    return svg.toString();
  }

  private void axes() {
    for (double power = LEAST_X; power <= MOST_X * 1.01; power *= 10) {
      add(
          "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#e8ebf0\"/>",
          x(power), TOP, x(power), BOTTOM);
      add(
          "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#5c6675\">%s</text>",
          x(power), BOTTOM + 18, number(power));
    }
    for (double power = LEAST_Y; power <= MOST_Y; power *= 10) {
      add(
          "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#e8ebf0\"/>",
          LEFT, y(power), RIGHT, y(power));
      add(
          "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#5c6675\">%s</text>",
          LEFT - 8, y(power) + 4, number(power));
    }
    add(
        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"#5c6675\">FLOPs for each byte of memory (of tensor cores; else fp32, estimated)</text>",
        (LEFT + RIGHT) / 2, BOTTOM + 40);
    add("<text x=\"%d\" y=\"%d\" fill=\"#5c6675\">TFLOP/s</text>", LEFT - 36, TOP - 10);
  }

  private static String number(double value) {
    return value >= 1
        ? String.format(Locale.ROOT, "%,.0f", value)
        : String.format(Locale.ROOT, "%.1f", value);
  }

  private void roofs() {
    double fp32 = 256 * gpu.multiprocessors() * gpu.gigahertz() * 1e-3;
    roof(gpu.tensor(), "#e0632e", "tensor cores %.0f".formatted(gpu.tensor()));
    if (gpu.mma() < gpu.tensor()) {
      roof(gpu.mma(), "#e9a98a", "");
    }
    roof(fp32, "#9aa3b0", "fp32 %.0f".formatted(fp32));
    double bend = gpu.tensor() / gpu.memory() * 1e3;
    add(
        "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#2f6fde\" stroke-width=\"2\"/>",
        x(LEAST_X), y(LEAST_X * gpu.memory() * 1e-3), x(bend), y(gpu.tensor()));
    double at = 0.9;
    double slope = Math.toDegrees(Math.atan2(y(1) - y(10), x(10) - x(1)));
    add(
        "<text transform=\"translate(%.1f %.1f) rotate(%.1f)\" fill=\"#2f6fde\">memory %,.0f GB/s</text>",
        x(at), y(at * gpu.memory() * 1e-3) - 7, -slope, gpu.memory());
  }

  private void roof(double teraflops, String color, String label) {
    double from = teraflops / gpu.memory() * 1e3;
    add(
        "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"2\"/>",
        x(from), y(teraflops), RIGHT, y(teraflops), color);
    if (!label.isEmpty()) {
      add(
          "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"%s\">%s TFLOP/s</text>",
          RIGHT, y(teraflops) - (teraflops == gpu.tensor() ? 20 : 6), color, label);
    }
  }

  private void points(List<Point> points) {
    double all = points.stream().mapToDouble(Point::micros).sum();
    for (Point point : points) {
      double radius = 3 + 26 * Math.sqrt(point.micros / all);
      double at = x(point.intensity);
      if (point.measured.isPresent()) {
        double real = point.teraflops * point.micros / point.measured.getAsDouble();
        add(
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#1c2430\" stroke-opacity=\"0.45\"/>",
            at, y(point.teraflops), at, y(real));
        add("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#1c2430\"/>", at, y(real));
      }
      add(
          "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" fill-opacity=\"0.42\" stroke=\"%s\"><title>%s</title></circle>",
          at,
          y(point.teraflops),
          radius,
          color(point.limit),
          color(point.limit),
          escaped(point.label));
    }
    numbers(points);
  }

  /** Each circle has the number of its row at the right, as near to it as there is room. */
  private void numbers(List<Point> points) {
    List<double[]> taken = new ArrayList<>();
    for (int i = 0; i < Math.min(ROWS, points.size()); i++) {
      double x = x(points.get(i).intensity);
      double y = y(points.get(i).teraflops) + 4;
      double[] place =
          OFFSETS.stream()
              .map(offset -> new double[] {x + offset[0], y + offset[1]})
              .filter(
                  free ->
                      taken.stream()
                          .noneMatch(
                              other ->
                                  Math.abs(other[0] - free[0]) < 14
                                      && Math.abs(other[1] - free[1]) < 11))
              .findFirst()
              .orElse(new double[] {x, y});
      taken.add(place);
      add(
          "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"11\" font-weight=\"600\" fill=\"#1c2430\">%d</text>",
          place[0], place[1], i + 1);
    }
  }

  private void bars(List<Point> points) {
    List<Point> shown = points.subList(0, Math.min(ROWS, points.size()));
    double longest =
        shown.stream()
            .mapToDouble(each -> Math.max(each.micros, each.measured.orElse(0)))
            .max()
            .orElse(1);
    double scale = (BARS_END - BARS) / longest;
    for (int i = 0; i < shown.size(); i++) {
      Point point = shown.get(i);
      int at = TOP + i * ROW;
      add(
          "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#1c2430\" font-size=\"11\">%s <tspan font-weight=\"600\">%d</tspan></text>",
          BARS - 8, at + 13, escaped(point.label), i + 1);
      add(
          "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"16\" rx=\"2\" fill=\"%s\" fill-opacity=\"0.8\"/>",
          BARS, at + 1, Math.max(1, point.micros * scale), color(point.limit));
      double end = point.micros;
      if (point.measured.isPresent()) {
        double real = point.measured.getAsDouble();
        end = Math.max(end, real);
        add(
            "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#1c2430\" stroke-width=\"2\"/>",
            BARS + real * scale, at - 1, BARS + real * scale, at + 19);
      }
      add(
          "<text x=\"%.1f\" y=\"%d\" fill=\"#5c6675\" font-size=\"11\">%s</text>",
          BARS + end * scale + 7, at + 13, millis(point));
    }
  }

  private static String millis(Point point) {
    String predicted = String.format(Locale.ROOT, "%.2f", point.micros * 1e-3);
    return point.measured.isPresent()
        ? predicted + String.format(Locale.ROOT, " / %.2f ms", point.measured.getAsDouble() * 1e-3)
        : predicted + " ms";
  }

  private void legend(List<Point> points) {
    double at = BARS - 190;
    int line = BOTTOM + 36;
    for (Prediction.Limit limit : Prediction.Limit.values()) {
      if (points.stream().noneMatch(point -> point.limit == limit)) {
        continue;
      }
      add(
          "<rect x=\"%.0f\" y=\"%d\" width=\"11\" height=\"11\" rx=\"2\" fill=\"%s\" fill-opacity=\"0.8\"/>",
          at, line - 10, color(limit));
      add("<text x=\"%.0f\" y=\"%d\" fill=\"#1c2430\">%s</text>", at + 16, line, limit.label());
      at += 30 + 7.2 * limit.label().length();
    }
    if (points.stream().anyMatch(point -> point.measured.isPresent())) {
      add(
          "<line x1=\"%.0f\" y1=\"%d\" x2=\"%.0f\" y2=\"%d\" stroke=\"#1c2430\" stroke-width=\"2\"/>",
          at + 5, line - 12, at + 5, line + 3);
      add("<text x=\"%.0f\" y=\"%d\" fill=\"#1c2430\">measured</text>", at + 13, line);
    }
  }
}
