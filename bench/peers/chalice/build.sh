set -eu
for function in producer sink; do
  chalice --project-dir $function package packaged/$function
done
