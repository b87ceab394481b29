package dev.culebra.examples.cli;

public final class Main {
  public static void main(String[] args) {
    StandardError.restore();
    System.out.println(java.util.Arrays.toString(args));
    System.err.println("err");
  }
}
