import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A training step: its operations, and what each is made of. It is counted at two batches, and
 * every count is a + b · batch, so that a batch that would take hours to count costs nothing.
 */
final class StepProfile {
  /**
   * A call of an operation.
   *
   * @param bytes that it moves at least, or 0 where FLOPs are its measure
   */
  record Operation(String name, String shape, double flops, double bytes, List<Part> parts) {
    String key() {
      return name + " " + shape;
    }
  }

  /** A launch, a product, or what has no launch: memory that is set. */
  sealed interface Part {
    /** That must cross the memory bus. */
    double bytes();
  }

  record Kernel(LaunchWork work) implements Part {
    @Override
    public double bytes() {
      return work.bytes();
    }
  }

  /** One that cuBLAS does; {@code text} names its sizes. */
  record Product(String text, double flops, double bytes, boolean tensorCores) implements Part {}

  record Fill(double bytes) implements Part {}

  private static final Pattern NUMBER = Pattern.compile("\\d+");

  private StepProfile() {}

  /** All operations between the marks of a log. */
  static List<Operation> of(ProfileLog log) {
    List<Operation> operations = new ArrayList<>();
    List<Part> parts = new ArrayList<>();
    for (ProfileLog.Step step : log.steps()) {
      switch (step) {
        case ProfileLog.Mark(String text) when text.equals("begin") -> parts.clear();
        case ProfileLog.Mark(String text) when text.startsWith("end ") -> {
          operations.add(operation(text.substring(4).split("\\|"), List.copyOf(parts)));
          parts.clear();
        }
        case ProfileLog.Launch(ProfileLog.Kernel kernel) ->
            parts.add(new Kernel(LaunchWork.of(kernel)));
        case ProfileLog.Multiply(ProfileLog.Product product) ->
            parts.add(
                new Product(
                    "product %d × %d × %d".formatted(product.m(), product.n(), product.k()),
                    product.flops(),
                    product.bytes(),
                    product.tensorCores()));
        default -> {}
      }
    }
    return operations;
  }

  private static Operation operation(String[] words, List<Part> parts) {
    double bytes = Double.parseDouble(words[3]);
    List<Part> all = parts.isEmpty() ? List.of(new Fill(bytes)) : parts;
    return new Operation(words[0], words[1], Double.parseDouble(words[2]), bytes, all);
  }

  /**
   * The step on a GPU at another batch: {@code factor} times the way from one that was counted in
   * the simulator to the other.
   *
   * @throws IllegalArgumentException if they are not made of the same launches
   */
  static List<Operation> toward(
      List<Operation> one, List<Operation> other, double factor, GpuRates gpu) {
    if (one.size() != other.size()) {
      throw new IllegalArgumentException(
          "%d operations at one batch, %d at the other".formatted(one.size(), other.size()));
    }
    List<Operation> all = new ArrayList<>();
    for (int i = 0; i < one.size(); i++) {
      all.add(toward(one.get(i), other.get(i), factor, gpu));
    }
    return all;
  }

  private static Operation toward(Operation one, Operation other, double factor, GpuRates gpu) {
    if (!one.name.equals(other.name) || one.parts.size() != other.parts.size()) {
      throw new IllegalArgumentException(
          "%s (%d launches) at one batch, %s (%d) at the other"
              .formatted(one.key(), one.parts.size(), other.key(), other.parts.size()));
    }
    List<Part> parts = new ArrayList<>();
    for (int i = 0; i < one.parts.size(); i++) {
      parts.add(toward(one.parts.get(i), other.parts.get(i), factor, gpu));
    }
    return new Operation(
        one.name,
        toward(one.shape, other.shape, factor),
        toward(one.flops, other.flops, factor),
        toward(one.bytes, other.bytes, factor),
        parts);
  }

  private static Part toward(Part one, Part other, double factor, GpuRates gpu) {
    return switch (one) {
      case Kernel(LaunchWork work) when other instanceof Kernel(LaunchWork its) ->
          new Kernel(
              work.filling(its, gpu.multiprocessors())
                  .toward(its.filling(work, gpu.multiprocessors()), factor));
      case Product product when other instanceof Product its ->
          new Product(
              toward(product.text, its.text, factor),
              toward(product.flops, its.flops, factor),
              toward(product.bytes, its.bytes, factor),
              product.tensorCores);
      case Fill(double bytes) when other instanceof Fill(double its) ->
          new Fill(toward(bytes, its, factor));
      default ->
          throw new IllegalArgumentException(
              "%s at one batch, %s at the other".formatted(one, other));
    };
  }

  private static double toward(double one, double other, double factor) {
    return one + factor * (other - one);
  }

  /** A text with numbers, each of them at the other batch. */
  static String toward(String one, String other, double factor) {
    Matcher ours = NUMBER.matcher(one);
    Matcher theirs = NUMBER.matcher(other);
    return ours.replaceAll(
        found ->
            theirs.find()
                ? Long.toString(
                    Math.round(
                        toward(
                            Double.parseDouble(found.group()),
                            Double.parseDouble(theirs.group()),
                            factor)))
                : found.group());
  }

  /** Equal operations once, with how often they come. */
  static Map<String, List<Operation>> grouped(List<Operation> operations) {
    Map<String, List<Operation>> groups = new LinkedHashMap<>();
    operations.forEach(
        each -> groups.computeIfAbsent(each.key(), key -> new ArrayList<>()).add(each));
    return groups;
  }
}
